using EventStore;
using Streaming;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Feed;
using Streaming.Frames;
using Streaming.Opening;

namespace StreamApi.Stats;

/// <summary>
/// Keeps this replica's stats for the last ten minutes, so that a newly opened dashboard shows history. One pass per
/// second over existing counters costs the same with any number of viewers.
/// </summary>
internal sealed class StatsRing(
    StreamingMetrics metrics,
    StreamSeats seats,
    FilterRingRegistry rings,
    LiveFeed feed,
    TimeProvider clock,
    ILogger<StatsRing> logger
) : RestartingService(logger, clock)
{
    public const int Seconds = 600;

    private static readonly ResyncReason[] Reasons = Enum.GetValues<ResyncReason>();

    private readonly Queue<SecondStats> _ring = new(Seconds);

    /// <summary>Stats of the seconds after the given one, oldest first.</summary>
    public IReadOnlyList<SecondStats> After(long second)
    {
        lock (_ring)
            return [.. _ring.Where(f => f.At > second)];
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        // Before the head is known, the whole log would count as new.
        await feed.Started.WaitAsync(stoppingToken);
        var before = Count.Now(metrics, rings);
        var since = Clock.GetTimestamp();
        var at = 0L;

        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), Clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            // An early tick must not count the same second twice.
            at = Math.Max(at + 1, Clock.GetUtcNow().ToUnixTimeSeconds());
            var now = Count.Now(metrics, rings);
            Add(Between(before, now, Clock.GetElapsedTime(since).TotalSeconds, at));
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

    private SecondStats Between(Count before, Count now, double seconds, long at)
    {
        var deliveries = new long[LatencyBuckets.Buckets];
        for (var i = 0; i < deliveries.Length; i++)
            deliveries[i] = now.Deliveries[i] - before.Deliveries[i];

        var resyncs = Reasons
            .Where(r => now.Resyncs[(int)r] > before.Resyncs[(int)r])
            .ToDictionary(r => r.ToString().ToLowerInvariant(), r => now.Resyncs[(int)r] - before.Resyncs[(int)r]);
        return new SecondStats(
            at,
            seats.Taken,
            Math.Round(deliveries.Sum() / seconds, 1),
            LatencyBuckets.Quantiles(deliveries),
            // A reset store starts at zero.
            Math.Round(Math.Max(0, now.Settled - before.Settled) / seconds, 1),
            feed.Lag,
            now.Resumes - before.Resumes,
            resyncs.Count > 0 ? resyncs : null,
            feed.Mode == FeedMode.Degraded
        );
    }

    private sealed record Count(long[] Deliveries, long Settled, long Resumes, long[] Resyncs)
    {
        public static Count Now(StreamingMetrics metrics, FilterRingRegistry rings) =>
            new(metrics.Totals(), rings.Settled, metrics.Resumes, [.. Reasons.Select(metrics.Resyncs)]);
    }
}
