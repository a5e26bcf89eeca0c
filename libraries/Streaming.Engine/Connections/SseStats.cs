using Streaming.Metrics;

namespace AspireSse;

/// <summary>The streams of this process in numbers, at one moment; the totals are since its start.</summary>
/// <remarks>Needed to show the numbers that <see cref="IConnectionList.ReadStats"/> returns.</remarks>
public sealed class SseStats
{
    private readonly long[] _deliveries;

    internal SseStats(long[] deliveries)
    {
        _deliveries = deliveries;
        Delivered = deliveries.Sum();
    }

    /// <summary>Open streams.</summary>
    public int Connections { get; internal init; }

    /// <summary>Streams that were opened.</summary>
    public long Opened { get; internal init; }

    /// <summary>The place through which events have been handed out, or null until the log's head is known.</summary>
    public StreamPosition? Head { get; internal init; }

    /// <summary>Positions between the log's head and this process.</summary>
    public long Lag { get; internal init; }

    /// <summary>True while the log is read from Postgres because nothing comes through Redis.</summary>
    public bool IsDegraded { get; internal init; }

    /// <summary>Events that were written to streams.</summary>
    public long Delivered { get; }

    /// <summary>Streams that went on after their client's last event id.</summary>
    public long Resumes { get; internal init; }

    /// <summary>Number of last event ids that could not be honoured, by reason.</summary>
    public IReadOnlyDictionary<ResyncReason, long> Resyncs { get; internal init; } =
        new Dictionary<ResyncReason, long>();

    /// <summary>Returns the times of the deliveries since an earlier moment, or null without any.</summary>
    public SseLatency? LatencySince(SseStats before)
    {
        ArgumentNullException.ThrowIfNull(before);

        var since = new long[_deliveries.Length];
        for (var i = 0; i < since.Length; i++)
            since[i] = _deliveries[i] - before._deliveries[i];
        return LatencyBuckets.Quantiles(since) is { } latency ? new(latency.P50, latency.P95, latency.P99) : null;
    }
}
