using EventStore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Integration.Delivery;

/// <summary>The cost of reads of one topic in a long log.</summary>
public sealed class TopicReadTests(TopicReadTests.LongLog log) : IClassFixture<TopicReadTests.LongLog>
{
    private const string Early = "early",
        Late = "late",
        Long = "busy.1";
    private const int MostRows = 150;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>By the statistics of a log with few topics, Postgres expects each of them everywhere.</summary>
    [Fact]
    public async Task A_read_of_a_topic_visits_no_other_events_whatever_the_statistics()
    {
        await using var reads = await RowsRead.OneConnectionAsync(log.Host, StorePool.Reads);
        await using var work = await RowsRead.OneConnectionAsync(log.Host, StorePool.Work);

        foreach (var topic in (string[])[Early, Late])
        {
            var topics = new TopicReader(reads, log.Host.Services.GetRequiredService<LineageReader>());
            await BoundedAsync(reads, "state", () => topics.ReadAsync(topic, 3, ["message_end"], Stop));
            var runs = new RunStore(work, reads);

            await BoundedAsync(reads, "start of the log", () => runs.LogStartAsync(topic, Stop));
            await BoundedAsync(reads, "last", () => runs.LastAsync(topic, Stop));
            await BoundedAsync(
                reads,
                "pending",
                () => runs.FirstUnansweredAsync(topic, "message", "message_end", Stop)
            );
            await BoundedAsync(reads, "oldest", () => runs.ReadOldestAsync(topic, 1_000_000, _ => { }, Stop));
            await BoundedAsync(reads, "newest", () => runs.ReadNewestAsync(topic, 1_000_000, _ => { }, Stop));

            var message = (await runs.LogStartAsync(topic, Stop))!.First.Position + 1;
            await BoundedAsync(
                reads,
                "conversation",
                () => runs.ReadNewestAsync(topic, ["content", "message_end"], message, 1_000_000, _ => { }, Stop)
            );

            await BoundedAsync(work, "refused", () => runs.RefuseAppendAsync(topic, Guid.NewGuid()));
            await BoundedAsync(
                work,
                "begun",
                () => runs.BeginAnnouncedAsync(topic, Guid.NewGuid(), "[]", "{}", traceParent: null)
            );
            await BoundedAsync(reads, "number", async () => Assert.NotNull((await NumberedAsync(reads, topic, 1)).At));

            async Task BoundedAsync(NpgsqlDataSource store, string read, Func<Task> run)
            {
                // The plan for all values comes later than that for the first ones.
                for (var time = 0; time < 7; time++)
                {
                    var before = await RowsReadAsync(store);
                    await run();
                    var rows = await RowsReadAsync(store) - before;
                    Assert.True(rows <= MostRows, $"{read} of {topic}, read {time + 1}: {rows} rows");
                }
            }
        }
    }

    [Fact]
    public async Task An_event_is_found_by_its_number_with_few_reads_wherever_it_is()
    {
        const int Numbers = 40_000;
        // A log of its own, filled in the session that is asked.
        using var host = await LongLog.StartAsync();
        await using var reads = await RowsRead.OneConnectionAsync(host, StorePool.Reads);

        await LongLog.FillAsync(host, reads);
        var first = await reads.AskAsync<long>(
            $$"""
            insert into eventstore.events (position, id, topic, type, data, time)
            select nextval('eventstore.position'), gen_random_uuid(), case when n % 3 = 0 then 'between' else 'one' end,
                'n', '{"id":' || n - n / 3 || '}', now()
            from generate_series(1, {{Numbers * 3 / 2}}) n;
            select min(position) from eventstore.events where topic = 'one'
            """
        );

        foreach (var number in (long[])[1, 2, 19_999, 20_000, Numbers - 1, Numbers])
            // The plan for all values comes later than that for the first ones.
            for (var time = 0; time < 7; time++)
            {
                var before = await RowsReadAsync(reads);
                var found = await NumberedAsync(reads, "one", number);
                var rows = await RowsReadAsync(reads) - before;
                Assert.Equal(first + number - 1 + (number - 1) / 2, found.At?.Position);
                Assert.True(rows <= MostRows, $"number {number}, read {time + 1}: {rows} rows");
            }

        foreach (var number in (long[])[0, Numbers + 1])
            Assert.Null((await NumberedAsync(reads, "one", number)).At);

        // Events without a number.
        Assert.Null((await NumberedAsync(reads, Long, 1)).At);
    }

    [Fact]
    public async Task An_ordinal_is_counted_up_to_ten_thousand_events_and_none_is_taken_for_another()
    {
        await using var reads = await RowsRead.OneConnectionAsync(log.Host, StorePool.Reads);
        var topics = new TopicReader(reads, log.Host.Services.GetRequiredService<LineageReader>());

        var last = await reads.AskAsync<long>(
            $"""
            select position from eventstore.events where topic = '{Long}' order by position
            offset {TopicReader.MostOrdinal - 1} limit 1
            """
        );

        foreach (
            var (topic, ordinal, at, isCounted) in new[]
            {
                (Long, TopicReader.MostOrdinal, last, true),
                (Long, TopicReader.MostOrdinal + 1, default(long?), false),
                (Long, int.MaxValue, null, false),
                (Late, int.MaxValue, null, true),
            }
        )
        {
            var before = await RowsReadAsync(reads);
            var state = await topics.ReadAsync(topic, ordinal, ["end"], Stop);
            var rows = await RowsReadAsync(reads) - before;
            Assert.Equal((topic, ordinal, at, isCounted), (topic, ordinal, state.AtOrdinal, state.IsCounted));
            Assert.True(rows <= TopicReader.MostOrdinal + MostRows, $"{ordinal} of {topic}: {rows} rows");
        }
    }

    [Fact]
    public async Task A_read_of_a_run_has_at_most_twenty_thousand_events_however_small_they_are()
    {
        const int MostEvents = 20_000;
        await using var reads = await RowsRead.OneConnectionAsync(log.Host, StorePool.Reads);
        await reads.ExecuteAsync(
            $"""
            insert into eventstore.events (position, id, topic, type, data, time)
            select nextval('eventstore.position'), gen_random_uuid(), '{Long}', 'n', '1', now()
            from generate_series(1, {MostEvents + 5_000}) n
            """
        );
        await log.ListAsync(reads);

        var runs = new RunStore(reads, reads);
        foreach (
            var read in (Func<Action<RunEntry>, Task<RunExtent>>[])
                [
                    take => runs.ReadOldestAsync(Long, long.MaxValue, take, Stop),
                    take => runs.ReadNewestAsync(Long, long.MaxValue, take, Stop),
                ]
        )
        {
            var taken = 0;
            var extent = await read(_ => taken++);
            Assert.Equal((MostEvents, false), (taken, extent.IsWhole));
        }
    }

    [Fact]
    public async Task A_list_of_topics_counts_unlisted_events_once_however_many_pages_it_has()
    {
        const int Unlisted = 5_000,
            Pages = 20;
        await using var reads = await RowsRead.OneConnectionAsync(log.Host, StorePool.Reads);
        await log.ListAsync(reads);
        await reads.ExecuteAsync(
            $"""
            insert into eventstore.events (position, id, topic, type, data, time)
            select nextval('eventstore.position'), gen_random_uuid(), 'user.' || n % {Pages} || '.a', 'n', '1', now()
            from generate_series(1, {Unlisted}) n
            """
        );

        var topics = new TopicReader(reads, log.Host.Services.GetRequiredService<LineageReader>());
        var before = await RowsReadAsync(reads);

        var found = await topics.ListAsync(
            "",
            async pages =>
            {
                var all = new List<TopicSummary>();
                for (var n = 0; n < Pages; n++)
                    all.AddRange(await pages.ReadAsync($"user.{n}.", "", 100));
                return all;
            },
            Stop
        );

        var rows = await RowsReadAsync(reads) - before;
        Assert.Equal(Enumerable.Repeat((long)Unlisted / Pages, Pages), found.Select(t => t.Count));
        Assert.True(rows <= Unlisted + MostRows, $"{rows} rows");
        await log.ListAsync(reads);
    }

    /// <summary>A decision about a run holds the log's lock, so all publishers wait for it.</summary>
    [Fact]
    public async Task A_decision_about_a_run_looks_at_none_of_its_earlier_events()
    {
        await using var work = await RowsRead.OneConnectionAsync(log.Host, StorePool.Work);
        var store = new RunStore(work, work);
        var writer = Guid.CreateVersion7();
        await work.ExecuteAsync(
            $"""
            insert into eventstore.run_writers values ('{writer}', 'r', now() + interval '1 hour');
            insert into eventstore.idempotency_keys
            select 'o', 'k' || n, '', 'a' || n from generate_series(1, 9000) n;
            analyze eventstore.idempotency_keys
            """
        );

        await using var newest = work.CreateCommand(
            $"select position, id from eventstore.events where topic = '{Long}' order by position desc limit 1"
        );
        var position = 0L;
        var last = Guid.Empty;

        await using (var row = await newest.ExecuteReaderAsync(Stop))
            while (await row.ReadAsync(Stop))
            {
                position = row.GetInt64(0);
                last = row.GetGuid(1);
            }

        for (var time = 0; time < 7; time++)
        {
            Assert.True(await store.BeginAsync(Long, writer, "[]"));
            await BoundedAsync("refused", () => store.RefuseAppendAsync(Long, Guid.NewGuid(), position));
            await BoundedAsync("stored", () => store.RefuseAppendAsync(Long, last, position - 1));
            await BoundedAsync("confirmed", () => store.ConfirmAsync(Long, writer, last, position));

            await using var abandon = work.CreateCommand(
                $"select eventstore.abandon_runs(array['{Long}'], '{writer}')"
            );
            await BoundedAsync("abandoned", () => abandon.ExecuteNonQueryAsync(Stop));

            async Task BoundedAsync(string decision, Func<Task> decide)
            {
                var before = await RowsReadAsync(work);
                await decide();
                var rows = await RowsReadAsync(work) - before;
                Assert.True(rows <= MostRows, $"{decision}, time {time + 1}: {rows} rows");
            }
        }
    }

    private static Task<NumberedTopic> NumberedAsync(NpgsqlDataSource store, string topic, long number) =>
        NumberedTopic.ReadAsync(store, topic, number, (topic, "message_end"), Stop);

    private static Task<long> RowsReadAsync(NpgsqlDataSource store) =>
        RowsRead.CountAsync(store, @"eventstore\.(events|idempotency)");

    /// <summary>One run at the beginning of a long log, and one after it. What a test adds, it lists, too.</summary>
    public sealed class LongLog : IAsyncLifetime
    {
        internal IHost Host { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Host = await StartAsync();
            await using var store = await RowsRead.OneConnectionAsync(Host, StorePool.Work);
            await FillAsync(Host, store);
        }

        /// <summary>Migrates an empty database. A copy of a migrated one has the statistics of empty tables, from which
        /// the planner reads some hundred rows more at first.</summary>
        internal static async Task<IHost> StartAsync()
        {
            var host = StoreOnlyHost.Of((await Stores.Shared.CreateDatabaseAsync(Stop)).ConnectionString).Build();
            await host.Services.GetRequiredService<StoreMigrator>().MigrateAsync(Stop);
            return host;
        }

        internal static async Task FillAsync(IHost host, NpgsqlDataSource store)
        {
            foreach (var (topic, events) in new[] { (Early, 40_000), (Late, 0) })
                await store.ExecuteAsync(
                    $$"""
                    insert into eventstore.events (position, id, topic, type, key, data, time)
                    select nextval('eventstore.position'), gen_random_uuid(), topic, type, key, '{"owner":"a","id":1}',
                        now()
                    from (values ('{{topic}}.log', 'announced', null), ('{{topic}}.log', 'message', 'm1'),
                        ('{{topic}}.log', 'message', 'm2'), ('{{topic}}', 'content', null),
                        ('{{topic}}', 'content', null), ('{{topic}}', 'message_end', 'm1')) run(topic, type, key);
                    insert into eventstore.events (position, id, topic, type, key, data, time)
                    select nextval('eventstore.position'), gen_random_uuid(), 'busy.' || n % 3, 'n', null, '1', now()
                    from generate_series(1, {{events}}) n
                    """
                );

            await ListAsync(host, store);
            await store.ExecuteAsync("analyze eventstore.events");
            await RowsReadAsync(store);
        }

        /// <summary>Takes all events into the directory, in the session of a test: another one would add the rows that
        /// it read to the statistics seconds later.</summary>
        internal Task ListAsync(NpgsqlDataSource store) => ListAsync(Host, store);

        private static async Task ListAsync(IHost host, NpgsqlDataSource store)
        {
            var directory = ActivatorUtilities.CreateInstance<TopicDirectory>(host.Services, store);
            while (await directory.ListAsync(Stop) > 0) { }
        }

        public ValueTask DisposeAsync()
        {
            Host.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
