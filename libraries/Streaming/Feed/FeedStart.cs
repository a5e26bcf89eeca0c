using EventStore;

namespace Streaming.Feed;

/// <summary>Lets a request wait for the start of the feed, and no longer than a client waits for an answer.</summary>
internal static class FeedStart
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1.5);

    /// <summary>
    /// Waits until the head is known. A replica that starts without Postgres refuses requests, as one that has lost
    /// Postgres does.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The log has not been read in time.</exception>
    public static async Task UntilStartedAsync(
        this LiveFeed feed,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await feed.Started.WaitAsync(Limit, clock, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new StoreUnavailableException("This replica has not read the log yet. Try again in some seconds.", e);
        }
    }
}
