using System.Diagnostics.Metrics;
using Aspire.StackExchange.Redis;
using EventStore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers the Redis that carries the relay's messages.</summary>
internal static class RelayRedis
{
    /// <summary>Key of the connection. The service without a key is the application's own, and no application takes
    /// this key.</summary>
    internal const string Key = "AspireSse.EventStore.relay";

    /// <summary>Options before the connection string, which overrides them. The client drops a connection on which a
    /// request timed out and nothing came for four timeouts (5 s). There is no tie-breaker: to read its key from a node
    /// that redirects each key to itself, the client would reconnect for ever.</summary>
    internal const string Defaults =
        "connectTimeout=1000,connectRetry=1,keepAlive=5,asyncTimeout=1250,syncTimeout=1250,tiebreaker=";

    /// <summary>Adds <see cref="RedisLink"/> over a connection string of one server or a cluster
    /// (<c>a:7000,b:7000</c>). A missing or invalid connection string fails the start; an unreachable Redis does
    /// not.</summary>
    /// <remarks>Only the first call counts. Constructors take <see cref="RedisLink"/>, because creating the connection
    /// itself would block the thread of its first user.</remarks>
    public static TBuilder AddRelayRedis<TBuilder>(
        this TBuilder builder,
        string connectionName = "redis",
        Action<StackExchangeRedisSettings>? configureSettings = null,
        Action<ConfigurationOptions>? configureOptions = null
    )
        where TBuilder : IHostApplicationBuilder
    {
        if (builder.Services.Any(service => service.ServiceType == typeof(RedisLink)))
            return builder;

        var isChecked = true;
        string? text = null;
        builder.AddKeyedRedisClient(Key, Set, Configure);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(Create);
        builder.Services.AddHostedService(services => new Opening(
            services.GetRequiredService<RedisLink>(),
            connectionName,
            text
        ));

        if (isChecked)
            builder.Services.AddHealthChecks().AddCheck<RedisHealthCheck>("sse-redis");
        // Services without the store have nothing to agree with.
        if (builder.Services.Any(service => service.ServiceType == typeof(RelaySecret)))
            builder.Services.AddHostedService<SchemaAgreement>();

        return builder;

        void Set(StackExchangeRedisSettings settings)
        {
            settings.ConnectionString =
                builder.Configuration.GetConnectionString(connectionName) ?? settings.ConnectionString;
            configureSettings?.Invoke(settings);
            text = settings.ConnectionString;
            settings.ConnectionString = $"{Defaults},{text}";

            // The check is our own, because the package's would open the connection and block. Nor may the package
            // connect during the host's start.
            isChecked = !settings.DisableHealthChecks;
            settings.DisableHealthChecks = true;
            settings.DisableAutoActivation = true;
        }

        void Configure(ConfigurationOptions options)
        {
            options.ReconnectRetryPolicy = new LinearRetry(250);
            configureOptions?.Invoke(options);
        }
    }

    private static RedisLink Create(IServiceProvider services) =>
        new(
            () => services.GetRequiredKeyedService<IConnectionMultiplexer>(Key),
            services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<IMeterFactory>(),
            services.GetRequiredService<ILogger<RedisLink>>()
        );

    /// <summary>Returns the error in a connection string, without its values, which may be passwords.</summary>
    private static string? ProblemOf(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return "It is missing. Set it to host:port, or in the AppHost add WithReference(redis).";
        if (text.Contains(';', StringComparison.Ordinal))
            return "It has a semicolon. Name one server, or the nodes of one cluster between commas.";

        var names = 0;
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            if (part.Split('=')[0].Contains("://", StringComparison.Ordinal))
                return "It is a URI. Write it as host:port,password=…,ssl=true.";
            else if (part.Split('=', 2) is [var option, _])
            {
                if (EndpointsOf(part) is null)
                    return $"The option '{option}' does not exist or has another type of value.";
            }
            else if (EndpointsOf(part) == 1)
                names++;
            else
                return "It has an address that is not host:port.";

        return names > 0 ? null : "It names no server. Write host:port first.";
    }

    /// <summary>Returns the number of endpoints, or null if the client cannot parse the text.</summary>
    private static int? EndpointsOf(string text)
    {
        try
        {
            return ConfigurationOptions.Parse(text).EndPoints.Count;
        }
        // The exception's message may contain values.
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            return null;
        }
    }

    private sealed class Opening(RedisLink redis, string connectionName, string? text) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            if (ProblemOf(text) is { } problem)
                throw new InvalidOperationException(
                    $"The connection string '{connectionName}' (ConnectionStrings__{connectionName}): {problem}"
                );

            _ = redis.OpenAsync(CancellationToken.None);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
