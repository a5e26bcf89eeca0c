namespace StreamApi.Stats;

/// <summary>
/// Keeps this replica's stats for the last ten minutes, so that a newly opened dashboard shows history. One pass per
/// second over existing counters costs the same with any number of viewers.
/// </summary>
internal sealed class StatsRing(IConnectionList streams, TimeProvider clock, ILogger<StatsRing> logger)
    : RestartingService(logger, clock)
{
    public const int Seconds = 600;

    private readonly Queue<SecondStats> _ring = new(Seconds);

    /// <summary>Stats of the seconds after the given one, oldest first.</summary>
    public IReadOnlyList<SecondStats> After(long second)
    {
        lock (_ring)
            return [.. _ring.Where(f => f.At > second)];
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        var before = streams.ReadStats();
        var since = Clock.GetTimestamp();
        var at = 0L;

        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), Clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var now = streams.ReadStats();
            // Before the head is known, the whole log would count as new.
            if (before.Head is not null)
            {
                // An early tick must not count the same second twice.
                at = Math.Max(at + 1, Clock.GetUtcNow().ToUnixTimeSeconds());
                Add(Between(before, now, Clock.GetElapsedTime(since).TotalSeconds, at));
            }

            before = now;
            since = Clock.GetTimestamp();
        }
    }

    private void Add(SecondStats stats)
    {
        lock (_ring)
        {
            if (_ring.Count == Seconds)
                _ring.Dequeue();
            _ring.Enqueue(stats);
        }
    }

    private static SecondStats Between(SseStats before, SseStats now, double seconds, long at)
    {
        var resyncs = now
            .Resyncs.Where(r => r.Value > before.Resyncs[r.Key])
            .ToDictionary(r => r.Key.ToString().ToLowerInvariant(), r => r.Value - before.Resyncs[r.Key]);
        return new SecondStats(
            at,
            now.Connections,
            Math.Round((now.Delivered - before.Delivered) / seconds, 1),
            now.LatencySince(before),
            // A reset store starts at zero.
            Math.Round(Math.Max(0, PositionOf(now) - PositionOf(before)) / seconds, 1),
            now.Lag,
            now.Resumes - before.Resumes,
            resyncs.Count > 0 ? resyncs : null,
            now.IsDegraded
        );
    }

    private static long PositionOf(SseStats stats) => stats.Head?.Position ?? 0;
}
