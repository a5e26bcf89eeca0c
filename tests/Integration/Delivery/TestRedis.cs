using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>A test's own connections to the stack's Redis.</summary>
internal static class TestRedis
{
    public static async Task<ConnectionMultiplexer> ConnectAsync(string redis, bool allowAdmin = false)
    {
        var configuration = ConfigurationOptions.Parse(redis);
        configuration.AllowAdmin = allowAdmin;
        configuration.AsyncTimeout = configuration.SyncTimeout = 60_000; // milliseconds; the machine may be busy
        return await ConnectionMultiplexer.ConnectAsync(configuration);
    }
}
