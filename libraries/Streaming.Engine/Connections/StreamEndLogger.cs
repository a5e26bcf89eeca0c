using System.Diagnostics;

namespace Streaming.Connections;

/// <summary>
/// Records a connection when it ends: a span in the trace of its request, and a structured log entry. An open
/// connection has neither, because a dashboard shows a span only after its end.
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

        var latency = stream.Latency.Quantiles();

        using (
            var span = Source.StartActivity(
                "sse stream",
                ActivityKind.Server,
                stream.Client.Trace,
                startTime: stream.ConnectedAt
            )
        )
            span?.SetTag("sse.connection.id", stream.Id)
                .SetTag("http.route", stream.Client.Endpoint)
                .SetTag("client.address", stream.Client.Address)
                .SetTag("sse.end.reason", stream.End?.ToString())
                .SetTag("sse.delivered", stream.Delivered)
                .SetTag("sse.lag", stream.Lag)
                .SetTag("sse.latency.p50_ms", latency?.P50)
                .SetTag("sse.latency.p95_ms", latency?.P95)
                .SetTag("sse.latency.p99_ms", latency?.P99);

        const string Ended =
            "Stream {ConnectionId} of {Endpoint} ended: {Reason}, {Delivered} events in {Seconds:F1} s, lag {Lag}";
        var seconds = (clock.GetUtcNow() - stream.ConnectedAt).TotalSeconds;

        if (latency is null)
            logger.LogInformation(
                Ended,
                stream.Id,
                stream.Client.Endpoint,
                stream.End,
                stream.Delivered,
                seconds,
                stream.Lag
            );
        else
            logger.LogInformation(
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
