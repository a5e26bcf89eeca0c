using EventStore;

namespace Streaming.Feed;

internal static class StoreRetry
{
    /// <summary>Reads from the store, however long it takes, because no later event may be delivered first.</summary>
    public static async Task<T> UntilReadAsync<T>(
        this ILogger logger,
        Func<Task<T>> read,
        CancellationToken cancellationToken
    )
    {
        for (var delay = 100; ; delay = Math.Min(delay * 2, 2_000))
        {
            try
            {
                return await read();
            }
            catch (StoreUnavailableException e)
            {
                logger.LogWarning("The log cannot be read; retrying: {Reason}", e.InnerException?.Message ?? e.Message);
                await Task.Delay(delay, cancellationToken);
            }
        }
    }
}
