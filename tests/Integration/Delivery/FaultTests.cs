using System.Net;
using Harness;

namespace Integration.Delivery;

/// <summary>Slow and undone transactions, and a server that is full. No reader loses an event, gets one twice, or waits
/// for one.</summary>
[Trait("Takes", "long")]
public sealed class FaultTests(AssemblyWide<TwoReplicas> shared) : IClassFixture<AssemblyWide<TwoReplicas>>
{
    // The tests share the servers; each has its own topics.
    private readonly string _root = $"t{Guid.NewGuid():N}";

    private RunningService A => shared.World.System.Replicas[0];
    private RunningService B => shared.World.System.Replicas[1];
    private string Stream => $"/v1/events/stream?topic={_root}.%3E";

    private string T(string rest) => $"{_root}.{rest}";

    [Fact]
    public async Task A_full_server_refuses_new_streams_but_admits_returning_ones()
    {
        await using var small = await World.Start(o =>
            o.Broadcasters(0)
                .Set("AspireSse:Streaming:MaxConnections", 10)
                .Set("AspireSse:Streaming:ResumeReservePercent", 10)
        );
        var server = small.Replicas[0].Url;
        var readers = new List<SseReader>();
        for (var i = 0; i < 10; i++)
            readers.Add(await SseReader.OpenAtAsync(server, Stream));

        using var http = new HttpClient();
        using (var refused = await http.GetAsync(new Uri(server, Stream), HttpCompletionOption.ResponseHeadersRead))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        // 503 would stop a browser for good, so a resuming one without a place gets a reconnection time and the end.
        await using (var admitted = await SseReader.OpenAtAsync(server, Stream, readers[0].LastId))
        await using (var turnedAway = await SseReader.OpenAsync(server, Stream, readers[0].LastId))
        {
            await turnedAway.WaitForEndAsync();
            Assert.True(turnedAway.EndedProperly);
            Assert.NotNull(turnedAway.Frames[^1].Retry);
            Assert.DoesNotContain(turnedAway.Frames, f => f.Id is not null);
        }

        foreach (var reader in readers)
            await reader.DisposeAsync();

        await Eventually.HoldsAsync(
            async () =>
            {
                using var again = await http.GetAsync(
                    new Uri(server, Stream),
                    HttpCompletionOption.ResponseHeadersRead
                );
                return again.IsSuccessStatusCode;
            },
            "the places are free again"
        );
    }

    [Fact]
    public async Task Positions_become_visible_in_order_and_a_slow_transaction_delays_only_its_own_event()
    {
        const int Writers = 8,
            Each = 50;
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var reader = await SseReader.OpenAtAsync(B.Url, Stream);

        await using var connection = await shared.World.System.Database.OpenConnectionAsync(cancellationToken);
        await using (var undone = await connection.BeginTransactionAsync(cancellationToken))
        {
            await connection.AddToOutboxAsync(new(T("undone"), "n", "-2"), undone);
            await undone.RollbackAsync(cancellationToken);
        }

        await using var slow = await connection.BeginTransactionAsync(cancellationToken);
        await connection.AddToOutboxAsync(new(T("slow"), "n", "-1"), slow);
        var writing = Enumerable
            .Range(0, Writers)
            .Select(async writer =>
            {
                var replica = writer % 2 == 0 ? A : B;
                for (var n = 0; n < Each; n++)
                    await World.PublishAsync(replica, new EventBody(T($"{writer}"), "n", writer * 1_000 + n));
            });

        await Task.WhenAll(writing);
        await reader.WaitForEventsAsync(Writers * Each);
        Assert.All(reader.Numbers, n => Assert.True(n >= 0, $"{n}"));

        await slow.CommitAsync(cancellationToken);
        await reader.WaitForEventsAsync(Writers * Each + 1);
        Assert.Equal(-1, reader.Numbers.Last());

        var positions = reader.Events.Select(e => World.Position(e.Id!)).ToList();
        Assert.Equal(positions.Distinct().Order(), positions);

        foreach (var ofWriter in reader.Numbers.SkipLast(1).GroupBy(n => n / 1_000))
            Assert.Equal(Enumerable.Range(0, Each), ofWriter.Select(n => n % 1_000));
    }
}
