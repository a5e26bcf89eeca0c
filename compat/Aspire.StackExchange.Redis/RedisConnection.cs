// Stands in for Aspire.StackExchange.Redis. Not affiliated with Microsoft or the .NET Foundation.
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Aspire.StackExchange.Redis;

/// <summary>Opens connections with the defaults of Aspire's own client; a failed connection is retried.</summary>
internal static class RedisConnection
{
    public static ConfigurationOptions Options(
        StackExchangeRedisSettings settings,
        string connectionName,
        Action<ConfigurationOptions>? configure
    )
    {
        var options = ConfigurationOptions.Parse(settings.ConnectionString ?? "");
        options.AbortOnConnectFail = false;
        configure?.Invoke(options);
        return options.EndPoints.Count > 0
            ? options
            : throw new InvalidOperationException(
                $"No Redis endpoint is configured. Set 'ConnectionStrings:{connectionName}' "
                    + $"(ConnectionStrings__{connectionName}=localhost:6379), call "
                    + $"WithReference({connectionName}) in the AppHost, or set "
                    + "'Aspire:StackExchange:Redis:ConnectionString'."
            );
    }

    /// <summary>Returns within about the connect timeout, connected
    /// or not. The client keeps retrying by itself.</summary>
    public static ConnectionMultiplexer Open(ConfigurationOptions options, ILoggerFactory loggers)
    {
        var logger = loggers.CreateLogger("StackExchange.Redis");
        var redis = ConnectionMultiplexer.Connect(options);
        // As in 2.x, handlers run in no order. ChannelMessageQueue needs order and turns it on.
        redis.PreserveAsyncOrder = false;
        var address = string.Join(", ", options.EndPoints);
        // Logs one line an outage, however often the client retries.
        var away = 0;
        redis.ConnectionFailed += (_, e) => Away(e.FailureType);
        redis.ConnectionRestored += (_, _) =>
        {
            if (Interlocked.Exchange(ref away, 0) == 1)
                logger.LogInformation("Redis at {EndPoints} is reachable again", address);
        };
        if (!redis.IsConnected)
            Away(ConnectionFailureType.UnableToConnect);

        return redis;

        void Away(ConnectionFailureType why)
        {
            if (Interlocked.Exchange(ref away, 1) == 0)
                logger.LogWarning(
                    "Redis at {EndPoints} is unreachable ({FailureType}); the client keeps retrying",
                    address,
                    why
                );
        }
    }
}
