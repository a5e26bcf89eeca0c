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
        builder.Services.AddSingleton<IConnectionMultiplexer>(services =>
            RedisConnection.Open(options.Value, services.GetRequiredService<ILoggerFactory>())
        );
        if (!settings.DisableAutoActivation)
        {
            builder.Services.AddHostedService<RedisActivation>();
        }

        if (!settings.DisableHealthChecks)
        {
            builder
                .Services.AddHealthChecks()
                .Add(
                    new HealthCheckRegistration(
                        "StackExchange.Redis",
                        services => new RedisHealthCheck(services),
                        failureStatus: null,
                        tags: null
                    )
                );
        }
    }
}
