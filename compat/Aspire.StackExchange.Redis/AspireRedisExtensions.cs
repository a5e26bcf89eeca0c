// Stands in for Aspire.StackExchange.Redis. Not affiliated with Microsoft or the .NET Foundation.
using Aspire.StackExchange.Redis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Microsoft.Extensions.Hosting;

public static class AspireRedisExtensions
{
    private const string Section = "Aspire:StackExchange:Redis";

    public static void AddRedisClient(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<StackExchangeRedisSettings>? configureSettings = null,
        Action<ConfigurationOptions>? configureOptions = null
    ) => Add(builder, connectionName, null, configureSettings, configureOptions);

    /// <summary>Adds a connection as a keyed service, beside others.</summary>
    public static void AddKeyedRedisClient(
        this IHostApplicationBuilder builder,
        string name,
        Action<StackExchangeRedisSettings>? configureSettings = null,
        Action<ConfigurationOptions>? configureOptions = null
    ) => Add(builder, name, name, configureSettings, configureOptions);

    private static void Add(
        IHostApplicationBuilder builder,
        string connectionName,
        string? key,
        Action<StackExchangeRedisSettings>? configureSettings,
        Action<ConfigurationOptions>? configureOptions
    )
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);

        var settings = new StackExchangeRedisSettings();
        builder.Configuration.GetSection(Section).Bind(settings);
        builder.Configuration.GetSection(Section).GetSection(connectionName).Bind(settings);
        settings.ConnectionString =
            builder.Configuration.GetConnectionString(connectionName) ?? settings.ConnectionString;
        configureSettings?.Invoke(settings);

        var options = new Lazy<ConfigurationOptions>(() =>
            RedisConnection.Options(settings, connectionName, configureOptions)
        );
        if (key is null)
            builder.Services.AddSingleton<IConnectionMultiplexer>(Open);
        else
            builder.Services.AddKeyedSingleton<IConnectionMultiplexer>(key, (services, _) => Open(services));

        if (!settings.DisableAutoActivation)
            builder.Services.AddSingleton<IHostedService>(services => new RedisActivation(() => Get(services)));

        if (!settings.DisableHealthChecks)
            builder
                .Services.AddHealthChecks()
                .Add(
                    new HealthCheckRegistration(
                        key is null ? "StackExchange.Redis" : $"StackExchange.Redis_{key}",
                        services => new RedisHealthCheck(() => Get(services)),
                        failureStatus: null,
                        tags: null
                    )
                );

        ConnectionMultiplexer Open(IServiceProvider services) =>
            RedisConnection.Open(options.Value, services.GetRequiredService<ILoggerFactory>());

        IConnectionMultiplexer Get(IServiceProvider services) =>
            key is null
                ? services.GetRequiredService<IConnectionMultiplexer>()
                : services.GetRequiredKeyedService<IConnectionMultiplexer>(key);
    }
}
