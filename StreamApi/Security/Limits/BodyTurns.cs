namespace StreamApi.Security.Limits;

/// <summary>
/// Grants turns to parse large bodies: few at once, in rotation over the clients, and in total at most a share of the
/// processor time. Bodies that waited for the budgets of many clients may be admitted at the same moment.
/// </summary>
internal sealed class BodyTurns(int processors, TimeProvider clock)
{
    /// <summary>Bodies up to this size are parsed without a turn.</summary>
    public const int SmallBytes = 1024 * 1024;

    private const double Share = 0.25;

    private readonly FairQueue _queue = new(
        Math.Max(1, processors / 2),
        int.MaxValue,
        new WorkShare(Share * processors, clock)
    );

    /// <summary>Waits for a turn; dispose it to return it. Null for a small body.</summary>
    public async ValueTask<IDisposable?> EnterAsync(string client, long bytes, CancellationToken cancellationToken) =>
        bytes > SmallBytes ? await _queue.EnterAsync(client, Timeout.InfiniteTimeSpan, cancellationToken) : null;
}
