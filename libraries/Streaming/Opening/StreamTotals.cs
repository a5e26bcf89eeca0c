using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Feed;
using Streaming.Metrics;

namespace Streaming.Opening;

/// <summary>Puts the numbers of all streams together.</summary>
internal sealed class StreamTotals(
    StreamSeats seats,
    ConnectionRegistry registry,
    FilterRingRegistry rings,
    LiveFeed feed,
    StreamingMetrics metrics
) : IStreamTotals
{
    private static readonly ResyncReason[] Reasons = Enum.GetValues<ResyncReason>();

    public SseStats Read() =>
        new(metrics.Totals())
        {
            Connections = seats.Taken,
            Opened = registry.Opened,
            Head = feed.Started.IsCompletedSuccessfully ? rings.Now.Settled : null,
            Lag = feed.Lag,
            IsDegraded = feed.Mode == FeedMode.Degraded,
            Resumes = metrics.Resumes,
            Resyncs = Reasons.ToDictionary(reason => reason, metrics.Resyncs),
        };
}
