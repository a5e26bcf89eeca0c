using System.Diagnostics.Metrics;
using Aspire.StackExchange.Redis;
using EventStore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers the Redis servers that carry the relay's messages.</summary>
public static class RelayRedis
{
    private const string Section = "Aspire:StackExchange:Redis",
        HealthCheck = "StackExchange.Redis";

    /// <summary>
    /// Options before the connection string, which overrides them. The client leaves a connection on which a request
    /// has timed out and nothing was received for four such times: five seconds. No tie-breaker, which chooses between
    /// several primaries: reading its key would reconnect for ever to a node that sends every key to itself.
    /// </summary>
    internal const string Defaults =
        "connectTimeout=1000,connectRetry=1,keepAlive=5,asyncTimeout=1250,syncTimeout=1250,tiebreaker=";

    /// <summary>
    /// Adds <see cref="RedisServers"/> over the connection string <paramref name="connectionName"/>, which names one
    /// server, several (<c>a:6379;b:6379</c>) or a cluster (<c>a:7000,b:7000</c>), and connects to them. The host's
    /// start fails, naming the connection string, if that is missing or invalid.
    /// </summary>
    /// <remarks>
    /// An unreachable Redis does not stop the start; a silent one delays it by at most three seconds. Constructors take
    /// <see cref="RedisServers"/>: a connection itself would block the first thread that asks for it.
    /// </remarks>
    public static TBuilder AddRelayRedis<TBuilder>(
        this TBuilder builder,
        string connectionName = "redis",
        Action<StackExchangeRedisSettings>? configureSettings = null,
        Action<ConfigurationOptions>? configureOptions = null
    )
        where TBuilder : IHostApplicationBuilder
    {
        var (addresses, problem) = ReadAddresses(builder, connectionName, configureSettings);
        for (var i = 0; i < addresses.Count; i++)
        {
            var address = addresses[i];
            // A single server keeps the name of the connection, also in health checks.
            var (name, check) =
                addresses.Count == 1 ? (connectionName, HealthCheck) : (null, $"{HealthCheck}_{address.Name}");
            if (AddClient(builder, name, address, configureSettings, Configure))
                AddHealthCheck(builder, check, index: i);

            void Configure(ConfigurationOptions options)
            {
                options.ReconnectRetryPolicy = new LinearRetry(250);
                configureOptions?.Invoke(options);
            }
        }
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(services => Create(services, addresses));
        builder.Services.AddHostedService(services => new Opening(
            services.GetRequiredService<RedisServers>(),
            services.GetRequiredService<TimeProvider>(),
            problem
        ));
        // Services without the store have nothing to agree with.
        if (builder.Services.Any(service => service.ServiceType == typeof(RelaySecret)))
        {
            builder.Services.AddHostedService<SchemaAgreement>();
            builder.Services.AddHostedService<SlotAgreement>();
        }
        return builder;
    }

    /// <summary>Returns the servers of the connection string, or the problem with which the start will fail.</summary>
    private static (IReadOnlyList<RedisAddress> Addresses, string? Problem) ReadAddresses(
        IHostApplicationBuilder builder,
        string connectionName,
        Action<StackExchangeRedisSettings>? configureSettings
    )
    {
        try
        {
            var text =
                ConnectionString(builder, connectionName, configureSettings)
                ?? throw new FormatException(
                    $"It is missing. Set ConnectionStrings__{connectionName}=localhost:6379, or in the AppHost add "
                        + $"WithReference({connectionName})."
                );
            return (RedisAddress.Parse(text), null);
        }
        catch (FormatException e)
        {
            return ([], $"The connection string '{connectionName}' (ConnectionStrings__{connectionName}): {e.Message}");
        }
    }

    /// <summary>Adds the client of a server, with its address as key unless it has the connection's name. Returns
    /// whether the settings want a health check.</summary>
    private static bool AddClient(
        IHostApplicationBuilder builder,
        string? connectionName,
        RedisAddress address,
        Action<StackExchangeRedisSettings>? configureSettings,
        Action<ConfigurationOptions> configureOptions
    )
    {
        var isChecked = true;
        if (connectionName is null)
            builder.AddKeyedRedisClient(address.Name, Set, configureOptions);
        else
            builder.AddRedisClient(connectionName, Set, configureOptions);
        return isChecked;

        void Set(StackExchangeRedisSettings settings)
        {
            configureSettings?.Invoke(settings);
            // Automatic activation would connect during the host's start.
            settings.DisableAutoActivation = true;
            settings.ConnectionString = $"{Defaults},{address.ConnectionString}";
            // Ours, because the package's check would open the connection, and so block.
            isChecked = !settings.DisableHealthChecks;
            settings.DisableHealthChecks = true;
        }
    }

    private static void AddHealthCheck(IHostApplicationBuilder builder, string name, int index) =>
        builder
            .Services.AddHealthChecks()
            .Add(
                new HealthCheckRegistration(
                    name,
                    services => new RedisHealthCheck(services.GetRequiredService<RedisServers>().All[index]),
                    failureStatus: null,
                    tags: null
                )
            );

    private static string? ConnectionString(
        IHostApplicationBuilder builder,
        string name,
        Action<StackExchangeRedisSettings>? configure
    )
    {
        var settings = new StackExchangeRedisSettings
        {
            ConnectionString =
                builder.Configuration.GetConnectionString(name)
                ?? builder.Configuration[$"{Section}:{name}:ConnectionString"]
                ?? builder.Configuration[$"{Section}:ConnectionString"],
        };
        configure?.Invoke(settings);
        return string.IsNullOrWhiteSpace(settings.ConnectionString) ? null : settings.ConnectionString;
    }

    private static RedisServers Create(IServiceProvider services, IReadOnlyList<RedisAddress> addresses)
    {
        var clock = services.GetRequiredService<TimeProvider>();
        var logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("EventStore.Redis");
        var servers = addresses.Select(address => new RedisServer(address.Name, () => Connect(address), clock, logger));
        return new RedisServers([.. servers], clock, services.GetRequiredService<IMeterFactory>(), logger);

        IConnectionMultiplexer Connect(RedisAddress address) =>
            addresses.Count == 1
                ? services.GetRequiredService<IConnectionMultiplexer>()
                : services.GetRequiredKeyedService<IConnectionMultiplexer>(address.Name);
    }

    private sealed class Opening(RedisServers servers, TimeProvider clock, string? problem) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) =>
            problem is null
                ? RedisStartCheck.RunAsync(servers.All, clock, cancellationToken)
                : throw new InvalidOperationException(problem);

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
