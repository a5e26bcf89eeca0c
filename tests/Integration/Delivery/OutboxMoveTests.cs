using System.Data;
using EventStore;
using Npgsql;

namespace Integration.Delivery;

/// <summary>All publishers wait while outbox rows move into the log, so a move is as small as a group commit.</summary>
public sealed class OutboxMoveTests
{
    [Fact]
    public async Task A_move_takes_few_large_rows_and_the_first_one_whatever_its_size()
    {
        await using var log = await OpenLog.NewAsync();
        await log.ScalarAsync(
            """
            insert into eventstore.outbox (topic, type, data)
            select 't.1', 'n', to_json(repeat('x', kilobytes * 1000))::text
            from unnest(array[100, 100, 100, 100, 900, 1, 1]) as kilobytes
            """
        );

        var fence = await log.ScalarAsync("select eventstore.hold_lease('broadcaster', 'test', '1 hour')");
        var moved = new List<object?>();
        do moved.Add(await log.ScalarAsync($"select moved from eventstore.move_outbox('broadcaster', {fence}, 500)"));
        while (moved[^1] is > 0);

        Assert.Equal([3, 2, 2, 0], moved);
    }

    [Fact]
    public async Task Rows_enter_the_log_in_the_order_in_which_they_were_written()
    {
        await using var log = await OpenLog.NewAsync();
        await log.ScalarAsync(
            "insert into eventstore.outbox (topic, type, data) select 't.1', 'n', g::text from generate_series(1, 20) g"
        );

        var fence = await log.ScalarAsync("select eventstore.hold_lease('broadcaster', 'test', '1 hour')");
        await log.ScalarAsync($"select moved from eventstore.move_outbox('broadcaster', {fence}, 500)");

        Assert.Equal(
            string.Join(' ', Enumerable.Range(1, 20)),
            await log.ScalarAsync("select string_agg(data, ' ' order by position) from eventstore.events")
        );
    }

    /// <summary>Rows that were moved stay in the table and its indexes while a transaction is open that began before,
    /// such as a backup.</summary>
    [Fact]
    public async Task A_look_visits_no_more_rows_while_an_old_transaction_is_open()
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        await using var others = NpgsqlDataSource.Create(database.ConnectionString);
        // One session, which shows its own statistics at once.
        database.Pooling = true;
        database.MaxPoolSize = 1;
        await using var session = NpgsqlDataSource.Create(database);
        var alone = await VisitedAsync(others, session);

        await using var old = await others.OpenConnectionAsync(Stop);
        await using var open = await old.BeginTransactionAsync(IsolationLevel.RepeatableRead, Stop);
        await DoAsync(old, "select count(*) from eventstore.outbox");
        var beside = await VisitedAsync(others, session);

        Assert.InRange(beside.Looks, Rounds, alone.Looks * 1.1);
        Assert.InRange(beside.Checks, 0, alone.Checks * 1.1);
    }

    [Fact]
    public async Task A_look_finds_what_was_running_at_the_look_before()
    {
        await using var log = await OpenLog.NewAsync();
        var fence = await log.ScalarAsync("select eventstore.hold_lease('broadcaster', 'test', '1 hour')");
        await using var writer = await log.Database.OpenConnectionAsync(Stop);
        var look = "";

        await using (var late = await writer.BeginTransactionAsync(Stop))
        {
            await DoAsync(writer, Row("late"));
            await log.ScalarAsync(Row("early"));
            Assert.Equal((1, 0), (await MoveAsync(500), await MoveAsync(500)));
            await late.CommitAsync(Stop);
        }
        Assert.Equal((1, 0), (await MoveAsync(500), await MoveAsync(500)));

        // More than a batch, and a look of another server.
        for (var i = 0; i < 5; i++)
            await log.ScalarAsync(Row($"more{i}"));
        Assert.Equal((2, 2, 1, 0), (await MoveAsync(2), await MoveAsync(2), await MoveAsync(2), await MoveAsync(2)));

        await log.ScalarAsync(Row("last"));
        look = "another/1/00000001/2 1000000:1000000:";
        Assert.Equal((1, 0), (await MoveAsync(500), await MoveAsync(500)));
        Assert.Equal(
            "early late more0 more1 more2 more3 more4 last",
            await log.ScalarAsync("select string_agg(type, ' ' order by position) from eventstore.events")
        );

        async Task<int> MoveAsync(int most)
        {
            var move = await Outbox.RelayAsync(log.Database, "broadcaster", (long)fence!, most, look, Stop);
            look = move.Looked;
            return move.Rows;
        }
    }

    /// <summary>A move that began before the commit of a row may take only those with higher numbers.</summary>
    [Fact]
    public async Task A_wait_ends_when_all_rows_that_were_committed_before_have_left_in_whichever_order()
    {
        await using var log = await OpenLog.NewAsync();
        await log.ScalarAsync(Row("first"));
        await log.ScalarAsync(Row("second"));
        await using var connection = await log.Database.OpenConnectionAsync(Stop);
        var wait = Outbox.WaitAsync(connection, Stop);

        await log.ScalarAsync("delete from eventstore.outbox where type = 'second'");
        await AsksAgainAsync();
        await AsksAgainAsync();
        Assert.False(wait.IsCompleted);

        await log.ScalarAsync(Row("later"));
        await log.ScalarAsync("delete from eventstore.outbox where type = 'first'");
        await wait;

        async Task AsksAgainAsync()
        {
            var asked = $"select query_start from pg_stat_activity where pid = {connection.ProcessID}";
            var last = await log.Database.AskAsync<DateTime>(asked);
            await Eventually.HoldsAsync(
                async () => await log.Database.AskAsync<DateTime>(asked) > last,
                "it asks again",
                within: TimeSpan.FromSeconds(30)
            );
        }
    }

    private const int Rounds = 200;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static string Row(string type) =>
        $"insert into eventstore.outbox (topic, type, data) values ('t.1', '{type}', '1')";

    private static async Task DoAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Stop);
    }

    /// <summary>Writes and moves rows one by one, each move followed by an empty look and by a check. Returns the rows
    /// that the looks and the checks visited, by the statistics of Postgres.</summary>
    private static async Task<(long Looks, long Checks)> VisitedAsync(NpgsqlDataSource others, NpgsqlDataSource session)
    {
        var fence = await others.AskAsync<long>("select eventstore.hold_lease('broadcaster', 'test', '1 hour')");
        var watch = new OutboxWatch(session);
        var look = "";
        long looks = 0,
            checks = 0;

        for (var i = 0; i < Rounds; i++)
        {
            await others.ExecuteAsync(Row("n"));
            // Afterwards the planner takes the table for an empty one, whatever its indexes hold.
            if (i == Rounds / 2)
                await others.ExecuteAsync("vacuum (analyze) eventstore.outbox");
            looks += await SinceAsync(async () =>
            {
                OutboxMove move;
                do
                {
                    move = await Outbox.RelayAsync(session, "broadcaster", fence, 500, look, Stop);
                    look = move.Looked;
                } while (move.Rows > 0);
            });
            checks += await SinceAsync(() => watch.OldestAsync(TimeSpan.Zero, TimeSpan.FromMinutes(1), Stop));
        }

        return (looks, checks);

        async Task<long> SinceAsync(Func<Task> act)
        {
            var before = await ReadAsync();
            await act();
            return await ReadAsync() - before;
        }

        async Task<long> ReadAsync()
        {
            await session.ExecuteAsync("select pg_stat_force_next_flush()");
            return await session.AskAsync<long>(
                "select seq_tup_read + (select sum(idx_tup_read)::bigint from pg_stat_user_indexes i "
                    + "where i.relid = t.relid) from pg_stat_user_tables t "
                    + "where t.relid = 'eventstore.outbox'::regclass"
            );
        }
    }
}
