using System.Diagnostics;
using System.Diagnostics.Metrics;
using AspireSse.Client;
using static Unit.Client.Reading;
using static Unit.Client.SseServer;

namespace Unit.Client;

public class StreamTests
{
    private const string Control = """
        id: e-5
        event: connected
        data: {"connectionId":"c1","replica":"r1","epoch":"e","head":"e-9"}

        id: e-9
        event: resync
        data: {"reason":"expired","requested":"e-1","resumedFrom":"e-9"}

        id: e-20
        event: skipped
        data: {"from":"e-10","to":"e-20","count":11}

        id: e-21
        event: order
        data: {"petId":7,"name":"しば"}


        """;

    [Fact]
    public async Task Control_events_are_enumerated_in_their_place_and_typed()
    {
        await using var server = await StartAsync(Stream(Control), Status(204));
        var events = await ReadAsync(server);
        Assert.Equal(["connected", "resync", "skipped", "order"], events.Select(e => e.Type));
        Assert.Equal(new SseConnected("c1", "r1", "e", "e-9"), events[0].Connected);
        Assert.Equal(new SseResync("expired", "e-1", "e-9"), events[1].Resync);
        Assert.Equal(new SseSkipped("e-10", "e-20", 11), events[2].Skipped);
        Assert.All(events.Skip(1), e => Assert.Null(e.Connected));
    }

    [Fact]
    public async Task Handlers_of_control_events_are_awaited_in_their_place()
    {
        await using var server = await StartAsync(Stream(Control), Status(204));
        var order = new List<string>();
        var options = Quick with
        {
            OnConnected = (c, _) => LaterAsync(c.ConnectionId),
            OnResync = (r, _) => LaterAsync(r.Reason),
            OnSkipped = (s, _) => LaterAsync($"{s.Count}"),
        };

        await ReadAsync(server, options, e => order.Add(e.Type));
        Assert.Equal(["c1", "expired", "11", "order"], order);
        Assert.Equal("e-21", server.Requests[1].LastEventId);

        async ValueTask LaterAsync(string text)
        {
            await Task.Yield();
            order.Add(text);
        }
    }

    [Fact]
    public async Task An_exception_of_a_handler_ends_the_stream()
    {
        await using var server = await StartAsync(Stream(Control), Status(204));
        var options = Quick with
        {
            OnResync = async (_, _) =>
            {
                await Task.Yield();
                throw new InvalidOperationException("the handler's");
            },
        };
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() => ReadAsync(server, options));

        Assert.Equal("the handler's", exception.Message);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Anothers_event_of_the_same_name_is_an_event_like_others()
    {
        await using var server = await StartAsync(
            Stream("event: resync\ndata: files\n\nevent: skipped\ndata: {}\n\n"),
            Status(204)
        );

        var events = await ReadAsync(
            server,
            Quick with
            {
                OnResync = (_, _) => throw new InvalidOperationException(),
                OnSkipped = (_, _) => throw new InvalidOperationException(),
            }
        );
        Assert.Equal(["files", "{}"], events.Select(e => e.Data));
        Assert.All(events, e => Assert.True(e.Resync is null && e.Skipped is null));
    }

    [Fact]
    public async Task Data_is_read_as_JSON()
    {
        await using var server = await StartAsync(Stream(Control), Status(204));
        var order = (await ReadAsync(server))[^1];
        Assert.Equal(new Order(7, "しば"), order.Json<Order>());
        Assert.Throws<System.Text.Json.JsonException>(() => order.Json<int>());
    }

    [Fact]
    public async Task Handlers_by_type_get_their_events_in_order()
    {
        await using var server = await StartAsync(
            Stream("event: a\ndata: 1\n\ndata: 2\n\nevent: a\ndata: 3\n\nevent: c\ndata: 4\n\n"),
            Status(204)
        );
        var seen = new List<string>();
        using var client = new SseClient();

        await new SseHandlers()
            .On("a", e => seen.Add($"a{e.Data}"))
            .On(
                "message",
                async (received, _) =>
                {
                    await Task.Yield();
                    seen.Add($"m{received.Data}");
                }
            )
            .OnOthers(e => seen.Add($"?{e.Data}"))
            .RunAsync(client.Open(server.Url, Quick), TestContext.Current.CancellationToken);
        Assert.Equal(["a1", "m2", "a3", "?4"], seen);
    }

    [Theory]
    [InlineData(1)] // an event is there, the next one waited for
    [InlineData(0)] // no answer yet
    [InlineData(-1)] // between two connections
    public async Task Cancellation_ends_the_wait_whatever_it_waits_for(int events)
    {
        var gone = new TaskCompletionSource();
        await using var server = await StartAsync(async context =>
        {
            try
            {
                if (events < 0)
                {
                    context.Response.StatusCode = 503;
                    context.Response.Headers.RetryAfter = "250";
                    return;
                }

                if (events > 0)
                    await WriteAsync(context, "data: a\n\n");

                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }
            finally
            {
                gone.SetResult();
            }
        });

        using var client = new SseClient();
        var stream = client.Open(server.Url);
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await using var reading = stream.GetAsyncEnumerator(cancellation.Token);

        if (events > 0)
            Assert.True(await reading.MoveNextAsync());

        var next = reading.MoveNextAsync().AsTask();
        await server.WaitForRequestAsync();
        await Eventually.HoldsAsync(() => events >= 0 || stream.State == SseStreamState.Waiting);

        await cancellation.CancelAsync();
        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
        Assert.Equal(cancellation.Token, exception.CancellationToken);
        Assert.Equal(SseStreamState.Closed, stream.State);
        await gone.Task.WaitAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Waiting_events_are_not_handed_to_a_cancelled_reader()
    {
        await using var server = await StartAsync(Open("data: a\n\ndata: b\n\n"));
        using var client = new SseClient();
        using var cancellation = new CancellationTokenSource();
        await using var events = client.Open(server.Url).GetAsyncEnumerator(cancellation.Token);

        Assert.True(await events.MoveNextAsync());
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await events.MoveNextAsync());
    }

    [Fact]
    public async Task Leaving_the_loop_closes_the_connection()
    {
        var gone = new TaskCompletionSource();
        await using var server = await StartAsync(async context =>
        {
            try
            {
                await WriteAsync(context, "id: 1\ndata: a\n\ndata: b\n\n");
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }
            finally
            {
                gone.SetResult();
            }
        });
        using var client = new SseClient();
        var stream = client.Open(server.Url);
        await foreach (var _ in stream)
            break;

        await gone.Task.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("1", stream.LastEventId);
    }

    [Fact]
    public async Task A_second_concurrent_enumeration_throws_and_a_later_one_resumes()
    {
        await using var server = await StartAsync(Open("id: 1\ndata: a\n\n"));
        using var client = new SseClient();
        var stream = client.Open(server.Url);
        await using (var first = stream.GetAsyncEnumerator(TestContext.Current.CancellationToken))
        {
            Assert.True(await first.MoveNextAsync());
            await Assert.ThrowsAsync<InvalidOperationException>(async () =>
            {
                await foreach (var _ in stream) { }
            });
        }

        await foreach (var _ in stream)
            break;

        Assert.Equal([null, "1"], server.Requests.Select(r => r.LastEventId));
    }

    [Fact]
    public async Task Many_streams_at_once_each_get_everything()
    {
        await using var server = await StartAsync(async context =>
        {
            for (var i = 0; i < 20; i++)
                await WriteAsync(context, $"id: {i}\ndata: {i}\n\n");
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        var expected = Enumerable.Range(0, 20).Select(i => $"{i}");
        using var client = new SseClient();

        await Task.WhenAll(
            Enumerable
                .Range(0, 100)
                .Select(async _ =>
                {
                    var events = client.Open(server.Url).Take(20).Select(e => e.Data);
                    Assert.Equal(expected, await events.ToListAsync(TestContext.Current.CancellationToken));
                })
        );
    }

    [Fact]
    public async Task A_stream_records_spans_and_metrics()
    {
        await using var server = await StartAsync(
            Stream("retry: 1\n\nid: 1\ndata: a\n\ndata: b\n\n"),
            Status(503),
            Status(204)
        );
        var port = new Uri(server.Url).Port;
        var spans = new List<Activity>();
        var sums = new Dictionary<string, double>();
        using var tracing = new ActivityListener
        {
            ShouldListenTo = s => s.Name == "AspireSse.Client",
            Sample = (ref _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                if (Equals(activity.GetTagItem("server.port"), port))
                    spans.Add(activity);
            },
        };

        ActivitySource.AddActivityListener(tracing);
        using var metering = new MeterListener
        {
            InstrumentPublished = (i, listener) =>
            {
                if (i.Meter.Name == "AspireSse.Client")
                    listener.EnableMeasurementEvents(i);
            },
        };
        metering.SetMeasurementEventCallback<long>((i, n, tags, _) => Sum(i, 1 * n, tags));
        metering.SetMeasurementEventCallback<double>((i, _, tags, _) => Sum(i, 1, tags));
        metering.Start();

        await ReadAsync(server);

        Assert.Equal(2, sums["sse.client.events.received"]);
        Assert.Equal(2, sums["sse.client.reconnects"]);
        Assert.Equal(0, sums["sse.client.active_connections"]);
        Assert.Equal(1, sums["sse.client.connection.duration"]);
        Assert.Equal([200, 503, 204], spans.Select(s => s.GetTagItem("http.response.status_code")));
        Assert.Equal([false, true, true], spans.Select(s => s.GetTagItem("sse.resume")));
        Assert.Equal(
            [ActivityStatusCode.Unset, ActivityStatusCode.Error, ActivityStatusCode.Unset],
            spans.Select(s => s.Status)
        );

        void Sum(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (var (name, tag) in tags)
                if (name == "server.port" && Equals(tag, port))
                    sums[instrument.Name] = sums.GetValueOrDefault(instrument.Name) + value;
        }
    }

    private sealed record Order(int PetId, string Name);
}
