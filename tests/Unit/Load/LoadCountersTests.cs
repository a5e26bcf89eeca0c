using AspireSse.Client;
using Harness;
using LoadTests.Measurements;
using LoadTests.Targets;
using Microsoft.AspNetCore.Http;
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

    [Fact]
    public async Task A_client_skips_a_replica_that_does_not_answer()
    {
        Replica[] listed = [];

        Task ListAsync(HttpContext context) => context.Response.WriteAsJsonAsync(listed);

        await using var alive = await SseServer.StartAsync(ListAsync);
        using var replicas = await DiscoverAsync();
        using var http = replicas.CreateClient();

        for (var connection = 0; connection < 2 * listed.Length; connection++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { ConnectionClose = true } };
            using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.True(answer.IsSuccessStatusCode);
        }

        async Task<ReplicaSet> DiscoverAsync()
        {
            await using var ended = await SseServer.StartAsync(ListAsync);
            listed = [Of(ended), Of(alive)];
            return await ReplicaSet.DiscoverAsync(new Uri(alive.Url), TestContext.Current.CancellationToken);
        }

        static Replica Of(SseServer server) => new("", server.Url, 0, "", 0, "");
    }
}
