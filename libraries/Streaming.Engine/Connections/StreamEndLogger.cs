using System.Diagnostics;
using Streaming.Metrics;

namespace Streaming.Connections;

/// <summary>
/// Records a connection when it ends: a span in the trace of its request, and a structured log entry, at level
/// <c>Debug</c> if it ended as streams do. An open connection has neither, because a dashboard shows a span only after
/// its end.
/// </summary>
internal sealed class StreamEndLogger(TimeProvider clock, ILogger<StreamEndLogger> logger)
{
    private static readonly ActivitySource Source = new("AspireSse.StreamApi");

    public void Record(OpenStream stream)
    {
        if (stream is PushStream { HasLeftProducer: true })
            logger.LogWarning(
                "What writes a stream of {Endpoint} goes on after the stream's end: it ignores its cancellation token",
                stream.Client.Endpoint
            );

        var level = IsUsual(stream.End) ? LogLevel.Debug : LogLevel.Information;
        var isLogged = logger.IsEnabled(level);
        if (!isLogged && !Source.HasListeners())
            return;

        var latency = stream.Latency.Quantiles();
        AddSpan(stream, latency);
        if (isLogged)
            Log(level, stream, latency);
    }

    public void RecordUnopened(StreamClient client, Exception why) =>
        logger.LogError(why, "A stream of {Endpoint} could not begin. Its client reconnects", client.Endpoint);

    /// <summary>Returns true for an end that needs nobody: the client left, the stream was complete, or the server
    /// asked for the end. Operators look for the others.</summary>
    private static bool IsUsual(EndReason? reason) =>
        reason
            is EndReason.ClientGone
                or EndReason.Complete
                or EndReason.Drained
                or EndReason.Aged
                or EndReason.Closed
                or EndReason.Unauthorized
                or EndReason.Replaced;

    private static void AddSpan(OpenStream stream, LatencyQuantiles? latency)
    {
        using var span = Source.StartActivity(
            "sse stream",
            ActivityKind.Server,
            stream.Client.Trace,
            startTime: stream.ConnectedAt
        );
        span?.SetTag("sse.connection.id", stream.Id)
            .SetTag("http.route", stream.Client.Endpoint)
            .SetTag("client.address", stream.Client.Address)
            .SetTag("sse.end.reason", stream.End?.ToString())
            .SetTag("sse.delivered", stream.Delivered)
            .SetTag("sse.lag", stream.Lag)
            .SetTag("sse.latency.p50_ms", latency?.P50)
            .SetTag("sse.latency.p95_ms", latency?.P95)
            .SetTag("sse.latency.p99_ms", latency?.P99);
    }

    private void Log(LogLevel level, OpenStream stream, LatencyQuantiles? latency)
    {
        const string Ended =
            "Stream {ConnectionId} of {Endpoint} ended: {Reason}, {Delivered} events in {Seconds:F1} s, lag {Lag}";
        var seconds = (clock.GetUtcNow() - stream.ConnectedAt).TotalSeconds;

        if (latency is null)
            logger.Log(
                level,
                Ended,
                stream.Id,
                stream.Client.Endpoint,
                stream.End,
                stream.Delivered,
                seconds,
                stream.Lag
            );
        else
            logger.Log(
                level,
                Ended + ", p50 {P50} ms, p95 {P95} ms, p99 {P99} ms",
                stream.Id,
                stream.Client.Endpoint,
                stream.End,
                stream.Delivered,
                seconds,
                stream.Lag,
                latency.P50,
                latency.P95,
                latency.P99
            );
    }
}
