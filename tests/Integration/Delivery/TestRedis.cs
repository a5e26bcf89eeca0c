using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>A test's own connections to the stack's Redis.</summary>
internal static class TestRedis
{
    /// <summary>Connects, with publish and subscribe both working. On a busy machine an attempt of
    /// StackExchange.Redis 1.2.6 can fail for its whole time limit, and so do its own retries; a new client then
    /// connects at once.</summary>
    /// <exception cref="RedisConnectionException">Redis did not answer any of the clients.</exception>
    public static async Task<ConnectionMultiplexer> ConnectAsync(string redis, bool allowAdmin = false)
    {
        const int Clients = 10;
        for (var client = 1; ; client++)
        {
            var configuration = ConfigurationOptions.Parse(redis);
            (configuration.AllowAdmin, configuration.ConnectRetry) = (allowAdmin, 1);
            ConnectionMultiplexer? connection = null;
            try
            {
                connection = await ConnectionMultiplexer.ConnectAsync(configuration);
                await connection.GetSubscriber().PingAsync();
                return connection;
            }
            catch (RedisException) when (client < Clients)
            {
                connection?.Dispose();
            }
        }
    }
}
