using AspireSse.Client;
using Harness;
using static Unit.Client.SseServer;

namespace Unit.Client;

public class SilenceTests
{
    private readonly ManualTime time = new();

    [Fact]
    public async Task A_silent_server_is_left_for_a_new_connection()
    {
        await using var server = await StartAsync(
            Open("id: 1\ndata: a\n\n"),
            Stream("id: 2\ndata: b\n\n"),
            Status(204)
        );
        var waits = new List<SseReconnect>();
        using var client = new SseClient(time);
        await using var events = client
            .Open(
                server.Url,
                new SseClientOptions { IdleTimeout = TimeSpan.FromSeconds(40), OnReconnecting = waits.Add }
            )
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);

        Assert.True(await events.MoveNextAsync());
        var next = events.MoveNextAsync().AsTask();
        await time.TickUntilDelayAsync();
        await time.PassDelayAsync();
        Assert.True(await next);
        Assert.Equal("b", events.Current.Data);
        Assert.Equal(SseError.Silent, Assert.IsType<SseException>(waits[0].Reason).Error);
        Assert.Equal("1", server.Requests[1].LastEventId);
    }

    [Fact]
    public async Task A_server_that_never_answers_is_silent_too()
    {
        await using var server = await StartAsync(
            context => Task.Delay(Timeout.Infinite, context.RequestAborted),
            Stream("data: a\n\n")
        );
        using var client = new SseClient(time);
        await using var events = client.Open(server.Url).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var first = events.MoveNextAsync().AsTask();

        await server.WaitForRequestAsync();
        await time.TickUntilDelayAsync();
        await time.PassDelayAsync();
        Assert.True(await first);
    }

    [Fact]
    public async Task Heartbeats_keep_a_quiet_stream_open()
    {
        // The server sends a heartbeat on request, and nothing else. A client that has read it reads the clock.
        var heartbeat = new SemaphoreSlim(0);
        await using var server = await StartAsync(async context =>
        {
            await WriteAsync(context, "id: 0\ndata: a\n\n");
            while (true)
            {
                await heartbeat.WaitAsync(context.RequestAborted);
                await WriteAsync(context, ": heartbeat\n\n");
            }
        });
        using var client = new SseClient(time);
        var stream = client.Open(
            server.Url,
            new SseClientOptions
            {
                IdleTimeout = TimeSpan.FromSeconds(45),
                OnReconnecting = r => Assert.Fail($"{r.Reason}"),
            }
        );
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await using var events = stream.GetAsyncEnumerator(leave.Token);

        Assert.True(await events.MoveNextAsync());
        var next = events.MoveNextAsync().AsTask();

        for (var n = 1; n <= 10; n++)
        {
            time.Advance(TimeSpan.FromSeconds(30));
            var reads = time.Reads;
            heartbeat.Release();
            await Eventually.HoldsAsync(() => time.Reads > reads);
        }

        Assert.False(next.IsCompleted);
        Assert.Single(server.Requests);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
    }

    [Fact]
    public async Task A_reader_that_takes_its_time_is_not_a_silent_server()
    {
        var go = new SemaphoreSlim(0);
        await using var server = await StartAsync(async context =>
        {
            await WriteAsync(context, "data: a\n\n");
            await go.WaitAsync(context.RequestAborted);
            await WriteAsync(context, "data: b\n\n");
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        using var client = new SseClient(time);
        var stream = client.Open(server.Url, new SseClientOptions { OnReconnecting = r => Assert.Fail($"{r.Reason}") });
        await using var events = stream.GetAsyncEnumerator(TestContext.Current.CancellationToken);

        Assert.True(await events.MoveNextAsync());
        time.Advance(TimeSpan.FromHours(1));
        go.Release();
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(SseStreamState.Open, stream.State);
    }

    [Fact]
    public async Task Ten_streams_share_one_timer_and_leave_none()
    {
        await using var server = await StartAsync(Open("data: a\n\n"));
        using var client = new SseClient(time);
        var streams = Enumerable
            .Range(0, 10)
            .Select(i =>
                client
                    .Open(server.Url, new SseClientOptions { IdleTimeout = TimeSpan.FromSeconds(60 - i) })
                    .GetAsyncEnumerator(TestContext.Current.CancellationToken)
            )
            .ToList();
        foreach (var stream in streams)
            Assert.True(await stream.MoveNextAsync());

        Assert.Equal(1, time.Pending);

        foreach (var stream in streams)
            await stream.DisposeAsync();

        Assert.Equal(0, time.Pending);
    }
}
