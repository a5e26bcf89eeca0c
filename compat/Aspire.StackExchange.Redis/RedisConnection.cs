// Stands in for Aspire.StackExchange.Redis. Not affiliated with Microsoft or the .NET Foundation.
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Aspire.StackExchange.Redis;

/// <summary>Opens connections with the defaults of Aspire's own client: one that fails is tried again.</summary>
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
                $"No Redis endpoint: set 'ConnectionStrings:{connectionName}' (ConnectionStrings__{connectionName}=localhost:6379; "
                    + $"in the AppHost: WithReference({connectionName})) or 'Aspire:StackExchange:Redis:ConnectionString'."
            );
    }

    /// <summary>Returns within about the connect timeout, connected or not: the client goes on trying by
    /// itself.</summary>
    public static ConnectionMultiplexer Open(ConfigurationOptions options, ILoggerFactory loggers)
    {
        var logger = loggers.CreateLogger("StackExchange.Redis");
        var redis = ConnectionMultiplexer.Connect(options);
        // As in 2.x: handlers run in no order. ChannelMessageQueue has one, and asks for it.
        redis.PreserveAsyncOrder = false;
        var address = string.Join(", ", options.EndPoints);
        // One line an outage, however often the client tries again meanwhile.
        var away = 0;
        redis.ConnectionFailed += (_, e) => Away(e.FailureType);
        redis.ConnectionRestored += (_, _) =>
        {
            if (Interlocked.Exchange(ref away, 0) == 1)
            {
                logger.LogInformation("Redis at {EndPoints} is back", address);
            }
        };
        if (!redis.IsConnected)
        {
            Away(ConnectionFailureType.UnableToConnect);
        }

        return redis;

        void Away(ConnectionFailureType why)
        {
            if (Interlocked.Exchange(ref away, 1) == 0)
            {
                logger.LogWarning("Redis at {EndPoints} is away ({FailureType}); trying again", address, why);
            }
        }
    }
}
