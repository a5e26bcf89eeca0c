using System.Text;
using EventStore;
using Npgsql;

namespace Integration.Delivery;

/// <summary>Commit notifications contain only newly stored events. A new partition starts without waiting for long
/// reads.</summary>
public sealed class AppendTests
{
    private const string AppendOne = """
        select positions[1] from eventstore.append(
            '{1}', array[gen_random_uuid()], '{null}', '{t}', '{n}', '{null}', '{1}', '{null}', null, '{false}')
        """;

    /// <summary>Number of transactions that wait for the lock of the log.</summary>
    private const string Waiting =
        "select count(*) from pg_locks l join pg_database d on d.oid = l.database "
        + "where d.datname = current_database() and l.locktype = 'advisory' and not l.granted";

    [Fact]
    public async Task Only_new_events_of_a_batch_are_raised_as_committed()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var log = await OpenLog.NewAsync();
        var appender = log.Appender;
        var database = log.Database;

        var published = new List<CommittedEvents>();
        appender.Committed += published.Add;
        var (early, late) = (Event("early") with { Id = Guid.NewGuid() }, Event("late") with { Id = Guid.NewGuid() });

        await appender.AppendAsync([early], cancellationToken);
        await appender.AppendAsync([Event("between")], cancellationToken);
        var mixed = await appender.AppendAsync([early, late, Event("without an id")], cancellationToken);

        await appender.AppendAsync([late, early], cancellationToken); // nothing new
        await Assert.ThrowsAsync<EventConflictException>(() =>
            appender.AppendAsync([late with { Data = "0" }, Event("lost with it")], cancellationToken)
        );
        await appender.AppendAsync([Event("last")], cancellationToken);
        await log.Host.StopAsync(cancellationToken); // the notification may come after the answer

        Assert.Equal([1, 3, 4], mixed.Select(e => e.At.Position));
        Assert.Equal(
            ["1 \"early\"", "2 \"between\"", "3 \"late\", 4 \"without an id\"", "5 \"last\""],
            published.Select(t =>
                string.Join(", ", t.Events.Select(e => $"{e.Position} {Encoding.UTF8.GetString(e.Data.Span)}"))
            )
        );

        var epoch = await database.AskAsync<string>("select eventstore.epoch()");
        Assert.All(published, t => Assert.Equal(epoch, t.Epoch));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_position_becomes_visible_only_after_those_before_it(bool isOfOutbox)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var log = await OpenLog.NewAsync();
        // The epoch is recorded with the first event, under the same lock.
        await log.Appender.AppendAsync([Event("before")], cancellationToken);

        var database = log.Database;
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var first = await connection.BeginTransactionAsync(cancellationToken);
        await using (var append = new NpgsqlCommand(AppendOne, connection, first))
            Assert.Equal(2L, await append.ExecuteScalarAsync(cancellationToken));

        Task second = isOfOutbox
            ? MoveFromOutboxAsync(log)
            : log.Appender.AppendAsync([Event("second")], cancellationToken);

        await Eventually.HoldsAsync(
            async () => second.IsCompleted || await database.AskAsync<long>(Waiting) == 1,
            "the second append waits for the first one"
        );
        Assert.Equal(1, await database.AskAsync<long>("select eventstore.head()"));

        await first.CommitAsync(cancellationToken);
        await second;
        Assert.Equal(3, await database.AskAsync<long>("select eventstore.head()"));
    }

    private static async Task MoveFromOutboxAsync(OpenLog log)
    {
        await log.ScalarAsync("insert into eventstore.outbox (topic, type, data) values ('t', 'n', '1')");
        var fence = await log.ScalarAsync("select eventstore.hold_lease('broadcaster', 'test', '1 hour')");
        await log.ScalarAsync($"select moved from eventstore.move_outbox('broadcaster', {fence}, 500)");
    }

    /// <summary>Otherwise a Broadcaster would learn of it from its next poll.</summary>
    [Fact]
    public async Task A_commit_wakes_those_who_follow_the_log()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var log = await OpenLog.NewAsync();
        await log.Appender.AppendAsync([Event("before")], cancellationToken); // the epoch's own notification

        await using var connection = await log.Database.OpenConnectionAsync(cancellationToken);
        await using (var listen = new NpgsqlCommand("listen eventstore", connection))
            await listen.ExecuteNonQueryAsync(cancellationToken);

        await log.Appender.AppendAsync([Event("next")], cancellationToken);
        Assert.True(await connection.WaitAsync(TimeSpan.FromSeconds(30), cancellationToken));
    }

    /// <summary>Postgres has then sent the positions already.</summary>
    [Fact]
    public async Task An_append_whose_commit_fails_is_not_acknowledged()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var log = await OpenLog.NewAsync();
        var database = log.Database;

        await database.ExecuteAsync(
            """
            create function fail() returns trigger language plpgsql as 'begin raise exception ''at the commit''; end';
            create constraint trigger fail after insert on eventstore.events_000000000
                deferrable initially deferred for each row execute function fail()
            """
        );

        var append = log.Appender.AppendAsync([Event("lost")], cancellationToken);

        Assert.Contains("at the commit", $"{await Record.ExceptionAsync(() => append)}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Appends_continue_after_the_first_position_of_a_partition_was_rolled_back_or_skipped()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var log = await OpenLog.NewAsync();
        var appender = log.Appender;
        var database = log.Database;
        await PartitionSpan.SetAsync(database, 100);

        await using (var connection = await database.OpenConnectionAsync(cancellationToken))
        {
            await using var undone = await connection.BeginTransactionAsync(cancellationToken);
            await using var take = new NpgsqlCommand(
                "select eventstore.lock_log(), eventstore.take_positions(150)",
                connection,
                undone
            );
            await take.ExecuteNonQueryAsync(cancellationToken);
        }

        Assert.Equal(
            151,
            Assert.Single(await appender.AppendAsync([Event("after a rollback")], cancellationToken)).At.Position
        );
        // As after a crash of Postgres: up to 32 values of a sequence are lost.
        await database.ExecuteAsync("select setval('eventstore.position', 320)");
        Assert.Equal(
            321,
            Assert.Single(await appender.AppendAsync([Event("after a gap")], cancellationToken)).At.Position
        );
    }

    [Fact]
    public async Task A_new_partition_does_not_wait_for_long_reads_of_the_log()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var log = await OpenLog.NewAsync();
        var database = log.Database;

        await PartitionSpan.SetAsync(database, 100);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var backup = await connection.BeginTransactionAsync(cancellationToken);
        await using (var read = new NpgsqlCommand("select count(*) from eventstore.events", connection, backup))
            await read.ExecuteScalarAsync(cancellationToken);

        for (var n = 1; n <= 250; n += 50)
            Assert.Equal(50, (await log.AppendAsync(50)).Length);

        Assert.Equal(
            3,
            await database.AskAsync<long>(
                "select count(*) from pg_inherits where inhparent = 'eventstore.events'::regclass"
            )
        );

        // A partition made here has everything that the log's partitions have.
        var kinds = await database.AskAsync<long[]>(
            """
            select array[
                count(distinct (
                    select array_agg(pg_get_constraintdef(oid) order by 1)
                    from pg_constraint where conrelid = inhrelid and contype = 'p')),
                count(distinct (select count(*) from pg_index where indrelid = inhrelid and indisvalid)),
                count(distinct (
                    select attcompression from pg_attribute where attrelid = inhrelid and attname = 'data'))]
            from pg_inherits where inhparent = 'eventstore.events'::regclass
            """
        );
        Assert.Equal([1, 1, 1], kinds!);
    }

    private static NewEvent Event(string data) => new("t", "n", $"\"{data}\"");
}
