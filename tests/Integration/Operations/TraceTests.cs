using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Google.Protobuf;
using Harness;
using Integration.Delivery;

namespace Integration.Operations;

/// <summary>The trace of an event, from its publisher to the replicas of its readers.</summary>
public sealed class TraceTests
{
    private const string Topic = "traced";

    private static readonly HttpClient Http = new();

    private readonly ConcurrentQueue<OtlpSpan> _spans = new();

    /// <summary>Its replica sends a small event itself. The Broadcaster relays one that is not small.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(40_000)]
    public async Task A_publishers_trace_goes_on_at_each_replica_and_in_the_delivered_event(int bytes)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var receiver = await OtlpReceiver.StartAsync(TakeAsync, cancellationToken);
        await using var system = await World.Start(o =>
            o.Replicas(2).Set(receiver.Settings).Set("OTEL_BSP_SCHEDULE_DELAY", 200).AsProcesses()
        );

        await Relayed.SubscribedAsync(system);
        const string stream = $"/v1/events/stream?topic={Topic}&envelope=true";
        await using var reader = await SseReader.OpenAtAsync(system.Replicas[1].Url, stream);
        await using var other = await SseReader.OpenAtAsync(system.Replicas[0].Url, stream);

        await World.PublishNumbersAsync(system.Replicas[0], Topic, 1, 1);
        await reader.WaitForEventsAsync(1);
        // A replica that fans out both events at once names the first one's trace.
        await other.WaitForEventsAsync(1);

        var trace = ActivityTraceId.CreateRandom().ToString();
        var publisher = ActivitySpanId.CreateRandom().ToString();
        await PublishTwoAsync(system.Replicas[0], bytes, $"00-{trace}-{publisher}-01");
        await reader.WaitForEventsAsync(3);

        var request = await SpanAsync("POST /v1/events", publisher);
        var envelope = JsonDocument.Parse(reader.Events.Last().Data!).RootElement;
        Assert.Equal($"00-{trace}-{request.Id}-01", envelope.GetProperty("traceparent").GetString());

        await SpanAsync(bytes == 1 ? "eventstore append" : "broadcaster relay", request.Id);
        await Eventually.HoldsAsync(() =>
            _spans.Count(s => s.Name == "sse fan-out" && s.Trace == trace && _spans.Any(p => p.Id == s.Parent)) == 2
        );

        async Task<OtlpSpan> SpanAsync(string name, string parent)
        {
            OtlpSpan? found = null;
            await Eventually.HoldsAsync(
                () =>
                {
                    found = _spans.FirstOrDefault(s => (s.Name, s.Trace, s.Parent) == (name, trace, parent));
                    return Task.FromResult(found is not null);
                },
                $"the span '{name}' below {parent} is exported",
                () => string.Join('\n', _spans.Where(span => span.Trace == trace))
            );

            return found!;
        }
    }

    [Fact]
    public async Task A_stream_has_one_span_from_its_connect_to_its_end_below_its_callers()
    {
        await using var receiver = await OtlpReceiver.StartAsync(TakeAsync, TestContext.Current.CancellationToken);
        await using var system = await World.Start(o =>
            o.Replicas(1).Set(receiver.Settings).Set("OTEL_BSP_SCHEDULE_DELAY", 200).AsProcesses()
        );
        var replica = system.Replicas[0].Url;
        var trace = ActivityTraceId.CreateRandom().ToString();
        var caller = ActivitySpanId.CreateRandom().ToString();

        // A client that instruments itself would send a span of its own.
        using var client = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null });
        client.DefaultRequestHeaders.Add("traceparent", $"00-{trace}-{caller}-01");
        await (await SseReader.OpenAsync(replica, "/v1/events/stream?topic=spans", client: client)).DisposeAsync();
        client.DefaultRequestHeaders.Clear();
        await (await SseReader.OpenAsync(replica, "/v1/events/stream?topic=spans", client: client)).DisposeAsync();
        // The same batch has what came before it.
        await World.PublishNumbersAsync(system.Replicas[0], "spans", 1, 1);

        await Eventually.HoldsAsync(() => Spans("sse stream").Count == 2 && Spans("POST /v1/events").Count == 1);
        Assert.Empty(Spans("GET /v1/events/stream"));
        Assert.Single(Spans("sse stream"), span => (span.Trace, span.Parent) == (trace, caller));
        Assert.Single(Spans("sse stream"), span => span.Trace != trace && span.Parent.Trim('0').Length == 0);

        List<OtlpSpan> Spans(string name) => [.. _spans.Where(span => span.Name == name)];
    }

    private async Task TakeAsync(Stream body)
    {
        foreach (var span in OtlpSpan.In(await ByteString.FromStreamAsync(body)))
            _spans.Enqueue(span);
    }

    private static async Task PublishTwoAsync(RunningService replica, int bytes, string traceParent)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(replica.Url, "/v1/events"));
        request.Headers.Add("traceparent", traceParent);
        request.Content = JsonContent.Create(Enumerable.Repeat(new EventBody(Topic, "n", new string('x', bytes)), 2));
        using var answer = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
    }
}
