using AspireSse.Client;
using LoadTests.Measurements;
using Unit.Client;

namespace Unit.Load;

public class LoadCountersTests
{
    [Fact]
    public async Task The_client_counts_cut_connections_as_disconnected_but_not_left_or_refused_ones()
    {
        await using var server = await SseServer.StartAsync(
            SseServer.Stream(StubSystem.Connected),
            context => Task.Delay(Timeout.Infinite, context.RequestAborted)
        );
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var clock = new ManualTime();
        var counters = new LoadCounters(clock);
        using var client = new SseClient(
            new HttpClient { BaseAddress = new Uri(server.Url), Timeout = Timeout.InfiniteTimeSpan }
        );
        var stream = client.Open(new SseRequest("/"));

        counters.BeginConnect(stream);
        Assert.Equal((0, 0, 0), counters.Streams());
        var events = stream.GetAsyncEnumerator(leave.Token);
        Assert.True(await events.MoveNextAsync());
        counters.Opened(stream, first: true);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal((1, 0, 0), counters.Streams());

        // The server ends the stream and does not accept the client again.
        var next = events.MoveNextAsync().AsTask();
        await Eventually.HoldsAsync(() => counters.Streams() == (0, 1, 0));
        counters.Closing(stream);
        Assert.Equal((0, 0, 0), counters.Streams());
        counters.BeginConnect(stream);
        Assert.Equal((0, 0, 0), counters.Streams());
        clock.Advance(TimeSpan.FromSeconds(1.5));
        Assert.Equal((0, 0, 1), counters.Streams());
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
    }
}
