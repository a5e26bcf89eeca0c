using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace AspireSse.Client;

/// <summary>
/// OpenTelemetry of a stream, under the name <c>AspireSse.Client</c>: one client span per connection attempt, because
/// an open stream has no end to wait for, and metrics by server.
/// </summary>
internal sealed class StreamTelemetry(Uri address)
{
    private const string Name = "AspireSse.Client";
    private static readonly string? Version = typeof(StreamTelemetry).Assembly.GetName().Version?.ToString(3);
    private static readonly ActivitySource Source = new(Name, Version);
    private static readonly Meter Meter = new(Name, Version);

    private static readonly Counter<long> EventsReceived = Meter.CreateCounter<long>(
        "sse.client.events.received",
        "{event}",
        "Events received, control events included."
    );
    private static readonly Counter<long> Reconnects = Meter.CreateCounter<long>(
        "sse.client.reconnects",
        "{reconnect}",
        "Reconnections, by error.type after an error."
    );
    private static readonly UpDownCounter<long> Active = Meter.CreateUpDownCounter<long>(
        "sse.client.active_connections",
        "{connection}",
        "Open streams."
    );
    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>(
        "sse.client.connection.duration",
        "s",
        "Duration of an open stream, by error.type after an error."
    );

    private readonly KeyValuePair<string, object?> _server = new("server.address", address.Host);
    private readonly KeyValuePair<string, object?> _port = new("server.port", address.Port);

    public Activity? StartConnect(int attempt, bool resumes)
    {
        var span = Source.StartActivity("sse connect", ActivityKind.Client);
        if (span is not { IsAllDataRequested: true })
            return span;

        span.SetTag(_server.Key, _server.Value)
            .SetTag(_port.Key, _port.Value)
            .SetTag("url.path", address.AbsolutePath)
            .SetTag("sse.resume", resumes);

        if (attempt > 0)
            span.SetTag("http.request.resend_count", attempt);

        return span;
    }

    public static void Finish(Activity? span, SseException? failure)
    {
        if (failure is null)
            return;
        span?.SetTag("error.type", TypeOf(failure)).SetStatus(ActivityStatusCode.Error, failure.Message);
    }

    public void Received() => EventsReceived.Add(1, _server, _port);

    public void Reconnecting(SseException? reason)
    {
        if (reason is null)
            Reconnects.Add(1, _server, _port);
        else
            Reconnects.Add(1, _server, _port, new("error.type", TypeOf(reason)));
    }

    public void Opened() => Active.Add(1, _server, _port);

    public void Closed(TimeSpan open, SseException? reason)
    {
        Active.Add(-1, _server, _port);
        if (reason is null)
            Duration.Record(open.TotalSeconds, _server, _port);
        else
            Duration.Record(open.TotalSeconds, _server, _port, new("error.type", TypeOf(reason)));
    }

    // The HTTP status if there is one (OpenTelemetry's HTTP conventions).
    private static string TypeOf(SseException exception) =>
        exception.StatusCode is { } status
            ? ((int)status).ToString(System.Globalization.CultureInfo.InvariantCulture)
            : exception.Error.ToString();
}
