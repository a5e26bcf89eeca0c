using System.Globalization;
using Npgsql;

namespace Integration.Delivery;

/// <summary>Retention drops old events without blocking appends or reads.</summary>
public sealed class RetentionTests(PromotionRig rig) : IClassFixture<PromotionRig>
{
    private const string Going =
        "select (select count(*) from eventstore.retired_partitions()) + (select count(*) from "
        + "eventstore.detached_partitions())";

    [Fact]
    public async Task During_a_backup_events_are_appended_and_read_and_old_ones_are_dropped_after_it()
    {
        await using var log = await StartAsync(("AspireSse:EventStore:MaxAge", "00:00:00.001"));
        await log.AppendAsync(450);
        await using var backup = await log.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var seen = await backup.BeginTransactionAsync(
            System.Data.IsolationLevel.RepeatableRead,
            TestContext.Current.CancellationToken
        );

        Assert.Equal(450L, await CountAsync());

        for (var run = 0; run < 3; run++)
        {
            var dropping = log.Retention.DropAsync(TestContext.Current.CancellationToken);
            do
            {
                // An append or a read would wait behind the request for this lock, whether it is granted or not.
                Assert.Equal(
                    0L,
                    await log.ScalarAsync(
                        "select count(*) from pg_locks where relation = "
                            + "'eventstore.events'::regclass and mode = 'AccessExclusiveLock' and database = "
                            + "(select oid from pg_database where datname = current_database())"
                    )
                );
                await log.AppendAsync(20); // into partitions that do not exist yet
            } while (!dropping.IsCompleted);

            Assert.Equal(0, await dropping);
        }

        var page = await log.Reader.ReadAsync(0, cancellationToken: TestContext.Current.CancellationToken);
        Assert.InRange(page.DroppedThrough, 399, page.Head); // readers are told already
        Assert.Equal(450L, await CountAsync()); // the backup has what it began with
        await seen.CommitAsync(TestContext.Current.CancellationToken);

        await DropAllAsync(log);
        page = await log.Reader.ReadAsync(0, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(page.DroppedThrough + 1, page.Events[0].Position);

        async Task<long> CountAsync()
        {
            await using var count = new NpgsqlCommand("select count(*) from eventstore.events", backup, seen);
            return (long)(await count.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_that_was_broken_off_is_finished_by_the_next_or_by_a_reset(bool reset)
    {
        await using var log = await StartAsync(("AspireSse:EventStore:MaxAge", "00:00:00.001"));
        await log.AppendAsync(250);

        await using (var backup = await log.Database.OpenConnectionAsync(TestContext.Current.CancellationToken))
        {
            await using var seen = await backup.BeginTransactionAsync(TestContext.Current.CancellationToken);
            await using (var read = new NpgsqlCommand("select count(*) from eventstore.events", backup, seen))
                await read.ExecuteScalarAsync(TestContext.Current.CancellationToken);

            using var broken = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            var dropping = log.Retention.DropAsync(broken.Token);
            await Eventually.HoldsAsync(
                async () => await NumberAsync(log, "select count(*) from pg_inherits where inhdetachpending") == 1,
                "a partition is being detached"
            );
            await broken.CancelAsync();

            try
            {
                await dropping;
            }
            catch (OperationCanceledException) { }
        }

        Assert.Equal(1L, await NumberAsync(log, "select count(*) from eventstore.partitions() where detaching"));

        if (reset)
            await log.ScalarAsync("select eventstore.reset()");

        await log.AppendAsync(250);
        await DropAllAsync(log);
        var page = await log.Reader.ReadAsync(0, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(reset ? 250 : 500, page.Head);
        Assert.Equal(page.DroppedThrough + 1, page.Events[0].Position);
        Assert.Equal(page.Head - page.DroppedThrough, page.Events.Count);
    }

    [Fact]
    public async Task Several_processes_that_drop_at_once_drop_each_partition_once()
    {
        var database = await Stores.Shared.CreateMigratedAsync(TestContext.Current.CancellationToken);
        (string, string) setting = ("AspireSse:EventStore:MaxAge", "00:00:00.001");
        await using var log = await OpenLog.OpenAsync(database, setting);
        await using var other = await OpenLog.OpenAsync(database, setting); // as another process

        await PartitionSpan.SetAsync(log.Database, 100);
        await log.AppendAsync(1_000);
        var dropped = await Task.WhenAll(
            Enumerable
                .Range(0, 6)
                .Select(n => (n % 2 == 0 ? log : other).Retention.DropAsync(TestContext.Current.CancellationToken))
        );

        Assert.Equal(10, dropped.Sum() + await DropAllAsync(log));
        Assert.Equal(999, await NumberAsync(log, "select dropped_through from eventstore.store"));
        Assert.Equal(1, await NumberAsync(log, "select count(*) from eventstore.events"));
    }

    [Fact]
    public async Task No_event_of_a_small_log_is_older_than_nine_eighths_of_the_age()
    {
        await using var log = await OpenLog.NewAsync(("AspireSse:EventStore:MaxAge", "8.00:00:00"));
        for (var day = 0; day < 30; day++)
        {
            await log.AppendAsync(3);
            await PassDayAsync(log);
            Assert.InRange(await NumberAsync(log, "select count(*) from eventstore.events"), 3 * Math.Min(day, 7), 27);
        }

        Assert.True(
            await log.ScalarAsync("select min(time) > clock_timestamp() - interval '9 days' from eventstore.events")
                is true
        );
    }

    [Theory]
    [InlineData(1_000_000)]
    [InlineData(6)] // the last partition is full
    public async Task A_quiet_log_loses_its_last_events_too_and_a_reader_that_has_them_misses_nothing(int span)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var log = await OpenLog.NewAsync(("AspireSse:EventStore:MaxAge", "8.00:00:00"));
        await PartitionSpan.SetAsync(log.Database, span);
        await log.AppendAsync(5);
        for (var day = 0; day < 10; day++)
            await PassDayAsync(log);

        Assert.Equal(0, await NumberAsync(log, "select count(*) from eventstore.events"));
        var page = await log.Reader.ReadAsync(0, cancellationToken: cancellationToken);
        Assert.Equal((5, 5), (page.Head, page.DroppedThrough));
        Assert.Equal(1, await NumberAsync(log, "select count(*) from eventstore.partitions()"));

        await log.AppendAsync(2);
        page = await log.Reader.ReadAsync(5, cancellationToken: cancellationToken);
        Assert.Equal(2, page.Events.Count);
        // The skipped positions belong to nobody: the reader may not be told of a gap.
        Assert.Equal(5, page.DroppedThrough);
    }

    private static async Task PassDayAsync(OpenLog log)
    {
        await log.ScalarAsync("update eventstore.events set time = time - interval '1 day'");
        await log.Retention.RollAsync(TestContext.Current.CancellationToken);
        await DropAllAsync(log);
    }

    /// <summary>A publisher may repeat a publish, with its ids, for a day.</summary>
    [Fact]
    public async Task The_ids_of_publishers_are_kept_for_a_day_and_not_longer()
    {
        await using var log = await StartAsync();
        NewEvent[] events =
        [
            new("t.1", "n", "1", id: Guid.CreateVersion7()),
            new("t.1", "n", "2", id: Guid.CreateVersion7()),
        ];
        var first = await log.Appender.AppendAsync(events, TestContext.Current.CancellationToken);

        foreach (var (published, minutes) in events.Zip((int[])[23 * 60 + 50, 24 * 60 + 10]))
            await log.ScalarAsync(
                $"update eventstore.recent_ids set time = time - interval '{minutes} minutes' "
                    + $"where id = '{published.Id}'"
            );

        await log.Retention.DropAsync(TestContext.Current.CancellationToken);

        var again = await log.Appender.AppendAsync(events, TestContext.Current.CancellationToken);
        Assert.Equal(first[0].At, again[0].At);
        Assert.NotEqual(first[1].At, again[1].At);
    }

    /// <summary>Drops until everything old has gone: a lock that autovacuum holds puts a drop off.</summary>
    /// <returns>The number of dropped partitions.</returns>
    private static async Task<int> DropAllAsync(OpenLog log)
    {
        var dropped = 0;
        await Eventually.HoldsAsync(
            async () =>
            {
                dropped += await log.Retention.DropAsync(TestContext.Current.CancellationToken);
                return await NumberAsync(log, Going) == 0;
            },
            "what is old has gone"
        );

        return dropped;
    }

    [Theory]
    [InlineData(1_000, 480)]
    [InlineData(60_000, 8)]
    [InlineData(900_000, 1)]
    public async Task The_log_stays_within_its_bytes_however_large_its_events_are(int bytes, int count)
    {
        const long MaxBytes = 4 * 1024 * 1024;
        await using var log = await OpenLog.NewAsync(("AspireSse:EventStore:MaxBytes", $"{MaxBytes}"));
        long largest = 0;
        for (var written = 0L; written < 4 * MaxBytes; written += count * bytes)
        {
            await AppendLargeAsync(log, count, bytes);
            var stored = 0L;
            // Again while autovacuum holds a lock that a drop waits for.
            await Eventually.HoldsAsync(
                async () =>
                {
                    await log.Retention.RollAsync(TestContext.Current.CancellationToken);
                    await log.Retention.DropAsync(TestContext.Current.CancellationToken);
                    stored = await NumberAsync(log, "select sum(bytes)::bigint from eventstore.partitions()");
                    return stored <= MaxBytes;
                },
                "the log is within its bytes"
            );
            largest = Math.Max(largest, stored);
        }

        Assert.InRange(largest, MaxBytes / 2, MaxBytes);
        var page = await log.Reader.ReadAsync(0, cancellationToken: TestContext.Current.CancellationToken);
        Assert.InRange(page.DroppedThrough, 1, page.Head);
        Assert.NotEmpty(page.Events);
    }

    [Fact]
    public async Task The_log_makes_room_for_the_topics_and_ids_beside_it()
    {
        const long MaxBytes = 8 * 1024 * 1024;
        const int Batch = 500;
        var cancellationToken = TestContext.Current.CancellationToken;
        // On a server of its own: Postgres 15 reuses the pages of an index only after all transactions of the server
        // that were open when they became empty, and other tests keep some open for a minute.
        var database = await rig.CreateDatabaseAsync();
        var server = await rig.PromoteAsync(rig.Origin);
        await using var log = await OpenLog.OpenAsync(
            server.At(database.Database!),
            ("AspireSse:EventStore:MaxBytes", $"{MaxBytes}")
        );

        var (largest, bytes) = (0L, 0L);

        for (var written = 0; written < 20_000; written += Batch)
        {
            var events = Enumerable
                .Range(written, Batch)
                .Select(n => new NewEvent(
                    $"{new string('x', 240)}.{n}",
                    "n",
                    "1",
                    id: n % 10 == 0 ? Guid.CreateVersion7() : null
                ));
            await log.Appender.AppendAsync([.. events], cancellationToken);
            while (await log.Directory.ListAsync(cancellationToken) > 0) { }

            // Again while autovacuum holds a lock that a drop waits for, or a snapshot that keeps dead rows.
            await Eventually.HoldsAsync(
                async () =>
                {
                    await log.Retention.RollAsync(cancellationToken);
                    await log.Retention.DropAsync(cancellationToken);
                    await log.ScalarAsync("vacuum eventstore.topics, eventstore.topic_parts");
                    bytes = await NumberAsync(
                        log,
                        """
                        select pg_total_relation_size('eventstore.topics')
                            + pg_total_relation_size('eventstore.topic_parts')
                            + pg_total_relation_size('eventstore.recent_ids')
                            + (select sum(bytes) from eventstore.partitions())::bigint
                        """
                    );

                    return bytes <= MaxBytes;
                },
                "topics, ids and log fit"
            );
            largest = Math.Max(largest, bytes);
        }

        Assert.InRange(largest, MaxBytes / 2, MaxBytes);
        // Part of the log is left.
        var page = await log.Reader.ReadAsync(0, cancellationToken: cancellationToken);
        Assert.InRange(page.DroppedThrough, 1, page.Head - Batch);
    }

    /// <summary>Text that Postgres cannot compress.</summary>
    internal static string Noise(int bytes)
    {
        var noise = new byte[bytes * 3 / 4];
        Random.Shared.NextBytes(noise);
        return Convert.ToBase64String(noise);
    }

    private static async Task<OpenLog> StartAsync(params (string Name, string Value)[] settings)
    {
        var log = await OpenLog.NewAsync(settings);
        await PartitionSpan.SetAsync(log.Database, 100);
        return log;
    }

    /// <summary>Appends events whose data Postgres cannot compress.</summary>
    private static async Task AppendLargeAsync(OpenLog log, int count, int bytes) =>
        await log.Appender.AppendAsync(
            [.. Enumerable.Range(0, count).Select(_ => new NewEvent("t.1", "n", $"\"{Noise(bytes)}\""))],
            TestContext.Current.CancellationToken
        );

    private static async Task<long> NumberAsync(OpenLog log, string sql) =>
        Convert.ToInt64(await log.ScalarAsync(sql), CultureInfo.InvariantCulture);
}
