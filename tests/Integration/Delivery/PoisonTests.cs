using Npgsql;

namespace Integration.Delivery;

/// <summary>Rows that no stream can show: written by other programs' SQL, or kept from a former version.</summary>
public sealed class PoisonTests(PoisonTests.NoServices fixture) : IClassFixture<PoisonTests.NoServices>
{
    private const string Stream = "/v1/events/stream?topic=t.%3E";

    /// <summary>A database that no service uses.</summary>
    public sealed class NoServices : SharedWorld
    {
        protected override int Replicas => 0;
        protected override int Broadcasters => 0;
    }

    [Theory]
    [InlineData("t.1", "a\nb", "1", "outbox_type_is_one_line")]
    [InlineData("t.1", "a\rb", "1", "outbox_type_is_one_line")]
    [InlineData("t.1", "", "1", "outbox_type_is_one_line")]
    [InlineData("t..1", "n", "1", "outbox_topic_is_tokens")]
    [InlineData("t.*", "n", "1", "outbox_topic_is_tokens")]
    [InlineData("", "n", "1", "outbox_topic_is_tokens")]
    [InlineData("t.1", "n", "[1,\n2]", "outbox_data_are_one_line")]
    [InlineData("t.1", "resync", "1", "outbox_type_is_not_reserved")]
    [InlineData("t.1", "unauthorized", "1", "outbox_type_is_not_reserved")]
    [InlineData("t.1", "n", "}", null)] // not JSON: the cast fails
    public async Task The_database_refuses_them_where_they_are_written(
        string topic,
        string type,
        string data,
        string? constraint
    )
    {
        var system = fixture.System;
        var refused = await Assert.ThrowsAsync<PostgresException>(() => InsertAsync(system, topic, type, data));
        var state = constraint is null
            ? PostgresErrorCodes.InvalidTextRepresentation
            : PostgresErrorCodes.CheckViolation;

        Assert.Equal((state, constraint), (refused.SqlState, refused.ConstraintName));
        await InsertAsync(system, "t.1", "n", "{\"one\":1}");
    }

    [Fact]
    public async Task A_poisonous_event_in_the_outbox_is_put_aside_and_its_neighbours_are_published()
    {
        await using var system = await World.Start();
        await using var reader = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        await DropConstraintsAsync(system);

        await system.Database.ExecuteAsync(
            "insert into eventstore.outbox (topic, type, data) values ('t.1','n','1'), ('t.1',"
                + "e'a\\nb','2'), ('t..1','n','3'), ('t.1','n','{'), ('t.1','n','5'), ('t.1','resync','6'), "
                + "('t.1','n',to_json(repeat('x', 1048575))::text), ('t.1',repeat('x', 257),'8'), ('t.1','n','9')"
        );

        await reader.WaitForEventsAsync(3);
        Assert.Equal([1, 5, 9], reader.Numbers);

        var reasons = await system.Database.AskAsync<string[]>(
            "select array_agg(reason order by ordinal) from eventstore.outbox_refused"
        );

        Assert.Collection(
            reasons!,
            r => Assert.StartsWith("the type", r, StringComparison.Ordinal),
            r => Assert.StartsWith("the topic", r, StringComparison.Ordinal),
            r => Assert.StartsWith("the data are no JSON", r, StringComparison.Ordinal),
            r => Assert.StartsWith("the type is one that only the server sends", r, StringComparison.Ordinal),
            r => Assert.StartsWith("the data are more than", r, StringComparison.Ordinal),
            r => Assert.StartsWith("the type or the key", r, StringComparison.Ordinal)
        );

        await Eventually.HoldsAsync(
            () => system.Broadcasters[0].Output.Split("is now in eventstore.outbox_refused").Length == 7,
            "each is in the Broadcaster's log"
        );
    }

    /// <summary>JSON to Postgres that a format which reads the data could not send.</summary>
    [Fact]
    public async Task Data_that_HTTP_refuses_are_put_aside_and_like_ones_are_published()
    {
        await using var system = await World.Start();
        await using var reader = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        string[] refused =
        [
            Nested(65),
            $"{{\"a\":{Nested(64)}}}",
            """
                "\ud800"
                """,
            """
                ["\\\\\udc00"]
                """,
            """
                {"\uD83D\uD83D\uDE00":1}
                """,
            """
                "\ud83d\n\ude00"
                """,
        ];
        string[] published =
        [
            Nested(64),
            $"[{string.Join(',', Enumerable.Repeat("{}", 99))}]",
            """
                ["\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "\\"]
                """,
            """
                ["\ud83d\ude00", "\\ud800", "\\\ud83d\ude00", "\u0000"]
                """,
        ];

        foreach (var data in (string[])[.. refused, .. published])
            await InsertAsync(system, "t.1", "n", data);
        await reader.WaitForEventsAsync(published.Length);

        Assert.Equal(published, reader.Events.Select(e => e.Data));
        Assert.Equal(
            refused,
            await system.Database.AskAsync<string[]>(
                "select array_agg(data order by ordinal) from eventstore.outbox_refused"
            )
        );

        static string Nested(int levels) => new string('[', levels) + new string(']', levels);
    }

    [Theory]
    [InlineData("live")]
    [InlineData("degraded")]
    public async Task A_poisonous_event_in_the_log_is_left_out_of_each_stream_and_stops_none(string mode)
    {
        await using var system = await World.Start(o => o.Replicas(2).Set("AspireSse:Streaming:RecentEvents", 2));
        var before = await World.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 1);
        await using var plain = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        await using var enveloped = await SseReader.OpenAtAsync(system.Replicas[1].Url, Stream + "&envelope=true");

        if (mode == "degraded")
        {
            system.Redis.Cut();
            await system.WaitForModeAsync("degraded");
        }

        await DropConstraintsAsync(system);
        await system.Database.ExecuteAsync(
            """
            do $$ begin
                perform eventstore.lock_log();
                insert into eventstore.events values
            (eventstore.take_positions(1), gen_random_uuid(), 't.1', e'a\nb', null, '2', null, clock_timestamp());
                perform pg_notify('eventstore', '');
            end $$
            """
        );
        await World.PublishNumbersAsync(system.Replicas[0], "t.1", 3, 6);

        foreach (var reader in (SseReader[])[plain, enveloped])
        {
            await reader.WaitForEventsAsync(6);
            Assert.DoesNotContain(reader.Frames, f => f.Data == "2");
            Assert.Contains(reader.Frames, f => f is { Event: "position", Data: "{}", Id: not null });
        }

        // From the store too: nobody has had this filter, so memory has none of its events.
        await using var resumed = await SseReader.OpenAtAsync(
            system.Replicas[0].Url,
            "/v1/events/stream?topic=t.1",
            before[0]
        );
        await resumed.WaitForEventsAsync(6);
        Assert.Contains(resumed.Frames, f => f is { Event: "position", Data: "{}", Id: not null });
        Assert.Equal(Enumerable.Range(3, 6), resumed.Numbers);
        Assert.All(system.Replicas, r => Assert.False(r.HasExited));
    }

    private static async Task InsertAsync(World system, string topic, string type, string data)
    {
        await using var insert = system.Database.CreateCommand(
            "insert into eventstore.outbox (topic, type, data) values ($1, $2, $3)"
        );
        foreach (var value in (string[])[topic, type, data])
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = value });
        await insert.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Drops the constraints, as in a store of a former version, which may hold such rows.</summary>
    private static async Task DropConstraintsAsync(World system) =>
        await system.Database.ExecuteAsync(
            """
            alter table eventstore.outbox
                drop constraint outbox_topic_is_tokens,
                drop constraint outbox_type_is_one_line,
                drop constraint outbox_data_are_one_line, drop constraint outbox_data_are_json,
                drop constraint outbox_type_is_not_reserved, drop constraint outbox_names_are_short,
                drop constraint outbox_data_are_small;
            alter table eventstore.events drop constraint events_type_is_one_line
            """
        );
}
