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

    [Fact]
    public async Task A_publishers_trace_goes_on_at_the_relay_at_each_replica_and_in_the_delivered_event()
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

        var (trace, publisher) = (ActivityTraceId.CreateRandom().ToString(), ActivitySpanId.CreateRandom().ToString());
        await PublishAsync(system.Replicas[0], $"00-{trace}-{publisher}-01");
        await reader.WaitForEventsAsync(2);

        var request = await SpanAsync("POST /v1/events", publisher);
        var envelope = JsonDocument.Parse(reader.Events.Last().Data!).RootElement;
        Assert.Equal($"00-{trace}-{request.Id}-01", envelope.GetProperty("traceparent").GetString());

        var relay = await SpanAsync("broadcaster relay", request.Id);
        await SpanAsync("sse fan-out", relay.Id);
        // The publisher's replica has the event from its own commit, unless the relay was faster.
        await Eventually.HoldsAsync(() =>
            _spans.Count(s => s.Name == "sse fan-out" && (s.Parent == relay.Id || s.Parent == request.Id)) == 2
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

    private async Task TakeAsync(Stream body)
    {
        foreach (var span in OtlpSpan.In(await ByteString.FromStreamAsync(body)))
            _spans.Enqueue(span);
    }

    private static async Task PublishAsync(RunningService replica, string traceParent)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(replica.Url, "/v1/events"));
        request.Headers.Add("traceparent", traceParent);
        request.Content = JsonContent.Create(new EventBody(Topic, "n", 2));
        using var answer = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
    }
}
