using System.Globalization;
using EventStore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Integration.Delivery;

/// <summary>Retention drops old events without blocking appends or reads.</summary>
public sealed class RetentionTests
{
    private const string AllGone =
        "select count(*) from eventstore.retired_partitions() union all select count(*) from "
        + "eventstore.detached_partitions()";

    [Fact]
    public async Task During_a_backup_events_are_appended_and_read_and_old_ones_are_dropped_after_it()
    {
        await using var log = await StartAsync(("MaxAge", "00:00:00.001"));
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
                            + "'eventstore.events'::regclass and mode = 'AccessExclusiveLock'"
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
        await using var log = await StartAsync(("MaxAge", "00:00:00.001"));
        await log.AppendAsync(250);

        await using (var backup = await log.Database.OpenConnectionAsync(TestContext.Current.CancellationToken))
        {
            await using var seen = await backup.BeginTransactionAsync(TestContext.Current.CancellationToken);
            await using (var read = new NpgsqlCommand("select count(*) from eventstore.events", backup, seen))
                await read.ExecuteScalarAsync(TestContext.Current.CancellationToken);
            using var broken = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            var dropping = log.Retention.DropAsync(broken.Token);
            await Eventually.HoldsAsync(
                async () => await log.ScalarAsync("select count(*) from pg_inherits where inhdetachpending") == 1,
                "a partition is being detached"
            );
            await broken.CancelAsync();
            try
            {
                await dropping;
            }
            catch (OperationCanceledException) { }
        }

        Assert.Equal(1L, await log.ScalarAsync("select count(*) from eventstore.partitions() where detaching"));

        if (reset)
            await log.ScalarAsync("select 1 from eventstore.reset()");
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
        await using var log = await StartAsync(("MaxAge", "00:00:00.001"));
        await using var other = await log.StartOtherAsync();
        await log.AppendAsync(1_000);
        var dropped = await Task.WhenAll(
            Enumerable
                .Range(0, 6)
                .Select(n => (n % 2 == 0 ? log : other).Retention.DropAsync(TestContext.Current.CancellationToken))
        );
        Assert.Equal(10, dropped.Sum() + await DropAllAsync(log));
        Assert.Equal(
            (999L, 1L),
            (
                await log.ScalarAsync("select dropped_through from eventstore.store"),
                await log.ScalarAsync("select count(*) from eventstore.events")
            )
        );
    }

    /// <summary>A publisher may repeat a publish, with its ids, for a day.</summary>
    [Fact]
    public async Task The_ids_of_publishers_are_kept_for_a_day_and_not_longer()
    {
        await using var log = await StartAsync();
        NewEvent[] events =
        [
            new("t.1", "n", "1", Id: Guid.CreateVersion7()),
            new("t.1", "n", "2", Id: Guid.CreateVersion7()),
        ];
        var first = await log.AppendAsync(events);
        foreach (var (e, minutes) in events.Zip((int[])[23 * 60 + 50, 24 * 60 + 10]))
            await log.ScalarAsync(
                $"update eventstore.recent_ids set time = time - interval '{minutes} minutes' where id = '{e.Id}' "
                    + "returning 1"
            );

        await log.Retention.DropAsync(TestContext.Current.CancellationToken);

        var again = await log.AppendAsync(events);
        Assert.Equal(first[0].At, again[0].At);
        Assert.NotEqual(first[1].At, again[1].At);
    }

    /// <summary>Drops until everything old has gone: a lock that autovacuum holds puts a drop off.</summary>
    /// <returns>The number of dropped partitions.</returns>
    private static async Task<int> DropAllAsync(Log log)
    {
        var dropped = 0;
        await Eventually.HoldsAsync(
            async () =>
            {
                dropped += await log.Retention.DropAsync(TestContext.Current.CancellationToken);
                return (await log.ColumnAsync(AllGone)).All(n => n == 0);
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
        await using var log = await StartAsync(("MaxBytes", $"{MaxBytes}"));
        await log.SetSpanAsync(1_000_000);
        long largest = 0;
        for (var written = 0L; written < 10 * MaxBytes; written += count * bytes)
        {
            await log.AppendAsync(count, bytes);
            var stored = 0L;
            // Again while autovacuum holds a lock that a drop waits for.
            await Eventually.HoldsAsync(
                async () =>
                {
                    await log.Retention.RollAsync(TestContext.Current.CancellationToken);
                    await log.Retention.DropAsync(TestContext.Current.CancellationToken);
                    stored = await log.ScalarAsync("select sum(bytes)::bigint from eventstore.partitions()");
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
        await using var server = await PostgresStandby.CreateAsync(Stores.Shared.EventStore, cancellationToken);
        Assert.SkipWhen(server is null, "Postgres is not a process of this machine: it cannot be copied.");
        var database = await server.CreateDatabaseAsync("room");
        await using var log = await Log.StartAsync(database.ConnectionString, [("MaxBytes", $"{MaxBytes}")]);
        await log.SetSpanAsync(1_000_000);
        var (largest, bytes) = (0L, 0L);
        for (var written = 0; written < 20_000; written += Batch)
        {
            await log.AppendAsync([
                .. Enumerable
                    .Range(written, Batch)
                    .Select(n => new NewEvent(
                        $"{new string('x', 240)}.{n}",
                        "n",
                        "1",
                        Id: n % 10 == 0 ? Guid.CreateVersion7() : null
                    )),
            ]);
            while (await log.Directory.ListAsync(cancellationToken) > 0) { }
            // Again while autovacuum holds a lock that a drop waits for, or a snapshot that keeps dead rows.
            await Eventually.HoldsAsync(
                async () =>
                {
                    await log.Retention.RollAsync(cancellationToken);
                    await log.Retention.DropAsync(cancellationToken);
                    await log.ScalarAsync("vacuum eventstore.topics, eventstore.topic_parts; select 1");
                    bytes = await log.ScalarAsync(
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

    private static async Task<Log> StartAsync(params (string Name, string Value)[] settings)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var log = await Log.StartAsync(
            (await Stores.Shared.CreateDatabaseAsync(cancellationToken)).ConnectionString,
            settings
        );
        await log.SetSpanAsync(100);
        return log;
    }

    private sealed class Log(IHost host, string connectionString, (string, string)[] settings) : IAsyncDisposable
    {
        public static async Task<Log> StartAsync(string connectionString, (string Name, string Value)[] settings)
        {
            var cancellationToken = TestContext.Current.CancellationToken;
            var host = StoreHost
                .Of(connectionString, [.. settings.Select(s => ("EventStore:" + s.Name, s.Value))])
                .Build();
            await host.Services.GetRequiredService<StoreMigrator>().MigrateAsync(cancellationToken);
            await host.StartAsync(cancellationToken);
            return new Log(host, connectionString, settings);
        }

        /// <summary>Starts another service on the same log, as another process would.</summary>
        public Task<Log> StartOtherAsync() => StartAsync(connectionString, settings);

        public NpgsqlDataSource Database { get; } = NpgsqlDataSource.Create(connectionString);
        public Retention Retention => host.Services.GetRequiredService<Retention>();
        public EventReader Reader => host.Services.GetRequiredService<EventReader>();

        public TopicDirectory Directory => host.Services.GetRequiredService<TopicDirectory>();

        /// <summary>Sets the positions per partition from the beginning: the log must be empty.</summary>
        public Task<long> SetSpanAsync(int positions) =>
            ScalarAsync(
                $"update eventstore.store set partition_span = {positions}; drop table "
                    + "eventstore.events_000000000; select 1 from eventstore.ensure_partition(0)"
            );

        public Task<IReadOnlyList<AppendedEvent>> AppendAsync(int count, int bytes = 0) =>
            AppendAsync([
                .. Enumerable
                    .Range(0, count)
                    .Select(n => new NewEvent(
                        "t.1",
                        "n",
                        bytes == 0 ? n.ToString(CultureInfo.InvariantCulture) : $"\"{Noise(bytes)}\""
                    )),
            ]);

        public Task<IReadOnlyList<AppendedEvent>> AppendAsync(IReadOnlyList<NewEvent> events) =>
            host
                .Services.GetRequiredService<EventAppender>()
                .AppendAsync(events, TestContext.Current.CancellationToken);

        public async Task<long> ScalarAsync(string sql) => Convert.ToInt64((await ColumnAsync(sql))[0]);

        public async Task<List<long>> ColumnAsync(string sql)
        {
            await using var command = Database.CreateCommand(sql);
            await using var rows = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
            while (rows.FieldCount == 0 && await rows.NextResultAsync(TestContext.Current.CancellationToken)) { }
            var values = new List<long>();
            while (await rows.ReadAsync(TestContext.Current.CancellationToken))
                values.Add(Convert.ToInt64(rows.GetValue(0), CultureInfo.InvariantCulture));
            return values;
        }

        public async ValueTask DisposeAsync()
        {
            await host.StopAsync();
            host.Dispose();
            await Database.DisposeAsync();
        }
    }
}
