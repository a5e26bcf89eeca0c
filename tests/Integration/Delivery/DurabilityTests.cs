using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Threading.Channels;
using Harness;
using Npgsql;

namespace Integration.Delivery;

/// <summary>Postgres on several machines: an acknowledged event is on as many as the settings say, and only a primary
/// acknowledges.</summary>
[Trait("Takes", "long")]
public sealed class DurabilityTests(PromotionRig rig) : IClassFixture<PromotionRig>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_its_synchronous_standby_a_publish_is_refused_and_no_reader_gets_the_event()
    {
        var database = await rig.CreateDatabaseAsync();
        var server = await rig.PromoteAsync(rig.Origin);
        await using var system = await World.Start(o =>
            o.Broadcasters(0)
                .Set("AspireSse:EventStore:CommandTimeoutSeconds", 2)
                .Database(server.At(database.Database!))
        );
        var replica = system.Replicas[0];

        Assert.Equal("one machine", await DurabilityAsync(replica));

        // An event that is stored already: its first commit may be on this machine alone.
        var stored = new EventBody("x", "n", 0, Id: Guid.CreateVersion7());
        var first = await World.RepeatAsync(replica, stored);
        await server.SetStandbysAsync("absent");
        await Eventually.HoldsAsync(
            async () => await DurabilityAsync(replica) == "synchronous on 1 standby, 0 connected",
            "the replica knows that it must wait"
        );

        using (var retried = await World.PostAsync(replica, stored))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, retried.StatusCode);

        await server.SetStandbysAsync("");
        Assert.Equal(first, await World.RepeatAsync(replica, stored));

        // A new one.
        await server.SetStandbysAsync("absent");
        await using var reader = await SseReader.OpenAtAsync(replica.Url, "/v1/events/stream?topic=t.%3E");

        var sent = new EventBody("t.1", "n", 1, Id: Guid.CreateVersion7());
        using (var refused = await World.PostAsync(replica, sent))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);

        // The commit still waits: a cancelled wait would have made the event visible on this machine alone.
        Assert.Equal(
            1,
            await system.Database.AskAsync<long>(
                "select count(*) from pg_stat_activity where wait_event = 'SyncRep' and query like "
                    + "'%eventstore.append%'"
            )
        );
        Assert.Equal(1, await system.Database.AskAsync<long>("select count(*) from eventstore.events"));
        Assert.Empty(reader.Events);

        await server.SetStandbysAsync("");
        var positions = await World.RepeatAsync(replica, sent);
        await World.RepeatNumbersAsync(replica, "t.1", 2, 1);
        await reader.WaitForEventsAsync(2);
        Assert.Equal([1, 2], reader.Numbers);
        Assert.Equal(positions[0], reader.Events.First().Id);
    }

    [Fact]
    public async Task The_primary_of_several_hosts_is_used_and_a_standby_alone_fails_the_start()
    {
        var database = await rig.CreateDatabaseAsync();
        await using var system = await World.Start(o => o.Replicas(0).Broadcasters(0).Database(database));
        var standby = await rig.CopyAsync(rig.Origin);
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__eventstore"] = standby.At(database.Database!).ConnectionString,
        };
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => system.StartReplicaAsync(settings));

        Assert.Contains("names a standby of Postgres", refused.Message, StringComparison.Ordinal);

        var both = new NpgsqlConnectionStringBuilder(settings["ConnectionStrings__eventstore"])
        {
            Host = $"127.0.0.1:{standby.Port},127.0.0.1:{system.Postgres.Port}",
            TargetSessionAttributes = "primary",
            Pooling = true,
        };
        settings["ConnectionStrings__eventstore"] = both.ConnectionString;

        var replica = await system.StartReplicaAsync(settings);
        await system.StartBroadcasterAsync(settings);
        await using var reader = await SseReader.OpenAtAsync(replica.Url, "/v1/events/stream?topic=t.%3E");

        await World.RepeatNumbersAsync(replica, "t.1", 1, 3);
        await reader.WaitForEventsAsync(3);

        system.Postgres.Cut();
        await standby.PromoteAsync();
        await Eventually.HoldsAsync(
            async () => (await World.PostAsync(replica, new EventBody("t.1", "n", 4))).IsSuccessStatusCode,
            "publishing goes on at the promoted standby"
        );
        // The copy lacks events that the reader has: it gets a resync, and the stream continues.
        await reader.WaitAsync(r => r.Frames.Any(f => f.Event == "resync"));
        await World.RepeatNumbersAsync(replica, "t.1", 5, 1);
        await reader.WaitAsync(r => r.Events.Any(e => e.Data == "5"));
    }

    /// <summary>Polling would hide a lost notification: its interval is longer than the test's wait.</summary>
    [Fact]
    public async Task After_a_promotion_the_new_primary_notifies_of_events_and_of_outbox_rows()
    {
        var database = await rig.CreateDatabaseAsync();
        await using var link = new FaultyLink(database.Host!, database.Port);
        var standby = await rig.CopyAsync(rig.Origin);
        var hosts = new NpgsqlConnectionStringBuilder(standby.At(database.Database!).ConnectionString)
        {
            Host = $"127.0.0.1:{standby.Port},127.0.0.1:{link.Port}",
            Pooling = true,
        };
        await using var log = await OpenLog.OpenAsync(hosts, ("AspireSse:EventStore:PollMilliseconds", "60000"));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var pages = Channel.CreateUnbounded<int>();
        var outbox = Channel.CreateUnbounded<int>();
        Task[] following = [FollowAsync(), FollowOutboxAsync()];

        // Both read once more when they listen.
        await ReadAsync(pages, 2);
        await ReadAsync(outbox, 1);
        link.Cut();
        await standby.PromoteAsync();
        await ReadAsync(pages, 1);
        await ReadAsync(outbox, 1);

        await Eventually.HoldsAsync(async () => (await log.AppendAsync(1)).Length == 1, "the new primary takes events");
        while (await ReadAsync(pages, 1) == 0) { }

        // As an application does: sessions of the services notify by themselves.
        await using var application = NpgsqlDataSource.Create(standby.At(database.Database!).ConnectionString);
        await application.ExecuteAsync("insert into eventstore.outbox (topic, type, data) values ('t.1', 'n', '1')");
        await ReadAsync(outbox, 1);
        await stop.CancelAsync();
        await Task.WhenAll(following)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

        async Task FollowAsync()
        {
            await foreach (var page in log.Tail.FollowAsync(0, cancellationToken: stop.Token))
                pages.Writer.TryWrite(page.Events.Count);
        }

        async Task FollowOutboxAsync()
        {
            await foreach (var notified in log.Tail.OutboxAsync(stop.Token))
                if (notified)
                    outbox.Writer.TryWrite(1);
        }

        static async Task<int> ReadAsync(Channel<int> from, int count)
        {
            var last = 0;
            for (var i = 0; i < count; i++)
                last = await from.Reader.ReadAsync(Stop).AsTask().WaitAsync(TimeSpan.FromMinutes(2), Stop);
            return last;
        }
    }

    private static async Task<string?> DurabilityAsync(RunningService replica)
    {
        using var http = new HttpClient();
        var health = await http.GetFromJsonAsync<JsonElement>(new Uri(replica.Url, "/health"), Stop);
        return health
            .GetProperty("checks")
            .GetProperty("sse-store")
            .GetProperty("data")
            .GetProperty("durability")
            .GetString();
    }
}
