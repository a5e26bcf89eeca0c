using EventStore;

namespace Streaming.Feed;

/// <summary>The log in Postgres for the feed.</summary>
internal sealed class FeedStore(
    EventReader reader,
    EventTail tail,
    LineageReader lineages,
    StoreHead head,
    StoreContact contact,
    TimeProvider clock,
    ILogger<FeedStore> logger
) : IFeedStore
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxRetry = TimeSpan.FromSeconds(2);

    public TimeSpan? AwayFor => contact.AwayFor;

    public Task<LogPage> ReadAsync(long after, CancellationToken cancellationToken) =>
        UntilReadAsync(() => reader.ReadAsync(after, cancellationToken: cancellationToken), cancellationToken);

    public async Task<LogPage?> TryHeadAsync(CancellationToken cancellationToken) =>
        AwayFor is null ? await head.ReadAsync(isNeeded: false, cancellationToken) : null;

    public IAsyncEnumerable<LogPage> FollowAsync(long after, CancellationToken cancellationToken) =>
        tail.FollowAsync(after, cancellationToken: cancellationToken);

    public Task<Lineage?> LineageAsync(string epoch, CancellationToken cancellationToken) =>
        UntilReadAsync(() => lineages.FindAsync(epoch, cancellationToken).AsTask(), cancellationToken);

    public async Task ErasuresAsync(Action<long> erased, CancellationToken cancellationToken)
    {
        // In case a notification is lost.
        contact.Erased += erased;
        try
        {
            await tail.ErasuresAsync(erased, cancellationToken);
        }
        finally
        {
            contact.Erased -= erased;
        }
    }

    private async Task<T> UntilReadAsync<T>(Func<Task<T>> read, CancellationToken cancellationToken)
    {
        for (var tried = 0; ; tried++)
        {
            try
            {
                return await read();
            }
            catch (StoreUnavailableException e)
            {
                logger.LogWarning("The log cannot be read; retrying: {Reason}", Reason(e));
                await Task.Delay(Backoff.Delay(tried, FirstRetry, MaxRetry), clock, cancellationToken);
            }
        }
    }

    private static string Reason(StoreUnavailableException exception) =>
        exception.InnerException?.Message ?? exception.Message;
}
