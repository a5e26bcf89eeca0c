using System.Net;
using EventStore;
using Integration.Security;
using Integration.Seeds;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Integration.Delivery;

/// <summary>A promotion that loses nothing does not interrupt a session, a run, the outbox, a ticket or a
/// partition.</summary>
public sealed class SessionPromotionTests(PromotionRig rig) : IClassFixture<PromotionRig>
{
    private const string End = """{"type":"message_end"}""";

    [Fact]
    public async Task Sessions_continue_and_their_former_ids_resume_after_them()
    {
        await using var system = await StartAsync();
        var (a, b) = (system.Replicas[0].Url, system.Replicas[1].Url);
        var session = (await Requests.PostAsync(a, "/session")).Text("session_id");
        var run = "/stream?prompt=" + Uri.EscapeDataString("What is 12 * (3 + 4)?");
        await using var source = await SseReader.OpenAtAsync(a, "/sse/resilient/s");
        await using var chat = await SseReader.OpenAsync(a, $"/stream/{session}");
        await Requests.PostAsync(a, $"/message/{session}", new { content = "first" });
        await chat.WaitAsync(r => r.Events.Any(e => e.Data == End));
        await using var answer = await SseReader.OpenAsync(a, run);
        await answer.WaitForEndAsync();
        await source.WaitForEventsAsync(3);

        system.Postgres.Cut();
        var server = await rig.PromoteAsync(rig.Origin);
        system.Postgres.Redirect(server.Port);
        var before = source.Events.Count();
        await source.WaitForEventsAsync(before + 3);
        await Eventually.HoldsAsync(
            async () =>
            {
                await Requests.GetAsync(b, $"/session/{session}");
                return true;
            },
            "the other replica has found the new server"
        );
        await Requests.PostAsync(b, $"/message/{session}", new { content = "second" });
        await chat.WaitAsync(r => r.Events.Count(e => e.Data == End) == 2);

        await AssertFollowsAsync(b, "/sse/resilient/s", source, source.Events.Count());
        await AssertFollowsAsync(b, $"/stream/{session}", chat, chat.Events.Count());
        await AssertFollowsAsync(b, run, answer, answer.Events.Count());
        Assert.Equal(
            Enumerable.Range(1, before + 3),
            source.Events.Take(before + 3).Select(e => e.Json().GetProperty("id").GetInt32())
        );
        Assert.Equal(2, source.Events.Select(e => e.Id!.Split('-')[0]).Distinct().Count());
    }

    [Fact]
    public async Task Partitions_are_made_and_dropped_as_if_there_had_been_one_server()
    {
        var database = await rig.CreateDatabaseAsync();
        await using var log = await OpenLog.OpenAsync(database);
        await log.ScalarAsync(
            """
            update eventstore.store set partition_span = 100;
            drop table eventstore.events_000000000;
            select eventstore.ensure_partition(0), eventstore.ensure_partition(100)
            """
        );
        var ids = await log.AppendAsync(250);
        var server = await rig.PromoteAsync(rig.Origin);
        await using var promoted = await OpenLog.OpenAsync(server.At(database.Database!));
        ids = [.. ids, .. await promoted.AppendAsync(200)];
        Assert.Equal(450, ids.Select(id => id.Position).Distinct().Count());
        var retention = new Retention(
            promoted.Database,
            Options.Create(new EventStoreOptions { MaxAge = TimeSpan.Zero }),
            TimeProvider.System,
            Microsoft.Extensions.Logging.Abstractions.NullLogger<Retention>.Instance
        );
        Assert.InRange(await retention.DropAsync(TestContext.Current.CancellationToken), 4, 5);
        var page = await promoted.Reader.ReadAsync(0, cancellationToken: TestContext.Current.CancellationToken);
        var left = ids.Select(id => id.Position).Where(p => p > page.DroppedThrough);
        Assert.Equal(left, page.Events.Select(e => e.Position));
        Assert.InRange(page.Events.Count, 1, 100);
        // An id from before belongs to this history, and has expired.
        Assert.InRange((await promoted.HonouredAsync(ids[0]))!.Value.Position, 1, page.DroppedThrough);
    }

    [Fact]
    public async Task Outbox_rows_come_once_and_in_order_whether_they_were_moved_before_the_promotion_or_not()
    {
        await using var system = await StartAsync();
        await using var reader = await SseReader.OpenAtAsync(system.Replicas[0].Url, "/v1/events/stream?topic=t.1");
        await InsertAsync(system.Database, 1, 3);
        await reader.WaitForEventsAsync(3);
        system.Postgres.Cut();
        await InsertAsync(system.Database, 4, 3);
        var server = await rig.PromoteAsync(rig.Origin);
        system.Postgres.Redirect(server.Port);
        await reader.WaitForEventsAsync(6);
        await using var promoted = NpgsqlDataSource.Create(
            server.At(new NpgsqlConnectionStringBuilder(system.Database.ConnectionString).Database!).ConnectionString
        );
        await InsertAsync(promoted, 7, 1);
        await reader.WaitForEventsAsync(7);
        Assert.Equal(["1", "2", "3", "4", "5", "6", "7"], reader.Events.Select(e => e.Data));
        Assert.DoesNotContain(reader.Frames, f => f.Event == "resync");

        static async Task InsertAsync(NpgsqlDataSource database, int first, int count)
        {
            await using var insert = database.CreateCommand(
                "insert into eventstore.outbox (topic, type, data) "
                    + $"select 't.1', 'n', n::text from generate_series({first}, {first + count - 1}) n"
            );
            await insert.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task The_use_of_a_ticket_is_reported_even_if_the_new_servers_clock_is_behind()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var log = await OpenLog.OpenAsync(await rig.CreateDatabaseAsync());
        var used = new TicketConnection(
            Guid.NewGuid(),
            "c",
            (await log.Tickets.NowAsync(TimeProvider.System, stop)).Now
        );
        await log.Tickets.NoteAsync([used], stop);
        var (noted, _) = Assert.Single(await log.Tickets.NotedAfterAsync(DateTimeOffset.UtcNow.AddHours(1), stop));
        Assert.Equal((used.Ticket, "c"), (noted.Ticket, noted.Connection));
    }

    [Fact]
    public async Task After_a_promotion_a_ticket_opens_a_stream_and_one_that_was_revoked_before_does_not()
    {
        var database = await rig.CreateDatabaseAsync();
        await using var system = await World.Start(o =>
            o.Replicas(2)
                .Set(SecureSystem.Settings)
                .Set("EventStore:CommandTimeoutSeconds", 2)
                .ApiKey(SecureSystem.OperatorKey)
                .Database(database)
        );
        Uri[] replicas = [system.Replicas[0].Url, system.Replicas[1].Url];
        var revoked = await TicketAsync(replicas[0]);
        await using (
            var revoke = system.Database.CreateCommand(
                "update eventstore.secrets set value = sha256(value) where name = 'tickets'"
            )
        )
            await revoke.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        foreach (var replica in replicas)
            await Eventually.HoldsAsync(
                async () => await StatusAsync(replica, revoked) == HttpStatusCode.Unauthorized,
                "the replica refuses the revoked ticket"
            );
        var ticket = await TicketAsync(replicas[0]);

        system.Postgres.Cut();
        var server = await rig.PromoteAsync(rig.Origin);
        system.Postgres.Redirect(server.Port);
        foreach (var replica in replicas)
        {
            await Eventually.HoldsAsync(
                async () => await StatusAsync(replica, ticket) == HttpStatusCode.OK,
                "the ticket opens a stream"
            );
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(replica, revoked));
        }

        static async Task<string> TicketAsync(Uri replica) =>
            (
                await SecureSystem.JsonAsync(
                    replica,
                    HttpMethod.Post,
                    "/v1/stream-tickets",
                    body: new { topics = new[] { "orders.a" } },
                    key: SecureSystem.OperatorKey
                )
            )
                .GetProperty("ticket")
                .GetString()!;

        static Task<HttpStatusCode> StatusAsync(Uri replica, string ticket) =>
            SecureSystem.StatusAsync(replica, HttpMethod.Get, $"/v1/events/stream?topic=orders.a&ticket={ticket}");
    }

    /// <summary>Asserts that a reader with the first id of another one gets what that one got after it.</summary>
    private static async Task AssertFollowsAsync(Uri replica, string path, SseReader first, int count)
    {
        Assert.DoesNotContain(first.Frames, f => f.Event is "resync" or "error");
        await using var returning = await SseReader.OpenAsync(replica, path, first.Events.First().Id);
        await returning.WaitForEventsAsync(count - 1);
        Assert.DoesNotContain(returning.Frames, f => f.Event is "resync" or "error");
        Assert.Equal(
            first.Events.Take(count).Skip(1).Select(e => (Position(e), e.Event, e.Data)),
            returning.Events.Take(count - 1).Select(e => (Position(e), e.Event, e.Data))
        );
    }

    /// <summary>Omits the epoch, which may differ in a frame that is sent again.</summary>
    private static string? Position(Frame frame) => frame.Id?.Split('-')[1];

    private async Task<World> StartAsync()
    {
        var database = await rig.CreateDatabaseAsync();
        return await World.Start(o =>
            o.Replicas(2).Set(SeedSystem.Quick).Set("EventStore:CommandTimeoutSeconds", 2).Database(database)
        );
    }
}
