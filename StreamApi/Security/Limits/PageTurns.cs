namespace StreamApi.Security.Limits;

/// <summary>
/// Grants turns to sort, filter and encode a page of open connections: one at a time, in rotation over the clients, and
/// in total at most a share of the processor time. They are not those of reads, which wait for Postgres.
/// </summary>
internal sealed class PageTurns(int processors, TimeProvider clock)
{
    private const double Share = 0.05;

    private readonly FairQueue _queue = new(1, int.MaxValue, new WorkShare(Share * processors, clock));

    /// <summary>Waits for a turn; dispose it to return it.</summary>
    public Task<IDisposable> EnterAsync(string client, CancellationToken cancellationToken) =>
        _queue.EnterAsync(client, Timeout.InfiniteTimeSpan, cancellationToken);
}
