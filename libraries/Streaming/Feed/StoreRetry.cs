using EventStore;

namespace Streaming.Feed;

internal static class StoreRetry
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100),
        MaxRetry = TimeSpan.FromSeconds(2);

    /// <summary>Reads from the store, however long it takes, because no later event may be delivered first.</summary>
    public static async Task<T> UntilReadAsync<T>(
        this ILogger logger,
        Func<Task<T>> read,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        for (var tried = 0; ; tried++)
        {
            try
            {
                return await read();
            }
            catch (StoreUnavailableException e)
            {
                logger.LogWarning("The log cannot be read; retrying: {Reason}", e.InnerException?.Message ?? e.Message);
                await Task.Delay(Backoff.Delay(tried, FirstRetry, MaxRetry), clock, cancellationToken);
            }
        }
    }
}
