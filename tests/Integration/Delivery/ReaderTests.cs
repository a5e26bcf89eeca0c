using EventStore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Integration.Delivery;

/// <summary>Filtered reads of the log: what they return, and what they cost.</summary>
public sealed class ReaderTests
{
    [Theory]
    [InlineData(1), InlineData(2), InlineData(3)]
    public async Task Pages_contain_each_match_once_and_in_order_wherever_the_directory_is(int seed)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var random = new Random(seed);
        await using var log = await StartAsync(partitionSpan: 500);

        var reader = log.FilteredReader;
        var directory = log.Directory;
        var all = new List<(long Position, NewEvent Event)>();
        for (var round = 0; round < 6; round++)
        {
            var events = Enumerable.Range(0, 400).Select(_ => Event(random)).ToList();
            var appended = await log.Appender.AppendAsync(events, cancellationToken);
            all.AddRange(appended.Zip(events, (a, e) => (a.At.Position, e)));

            // Sometimes it follows, sometimes it is behind.
            if (round < 2 || random.Next(2) == 0)
                await directory.ListAsync(cancellationToken);

            for (var i = 0; i < 8; i++)
            {
                var filter = Filter(random);
                var wanted = all.Where(e => Wants(filter, e.Event)).ToList();

                var after = 0L;
                var found = new List<long>();
                for (var head = 1L; after < head; )
                {
                    var page = await reader.ReadAsync(
                        after,
                        filter,
                        random.Next(1, 40),
                        cancellationToken: cancellationToken
                    );
                    Assert.True(page.Through > after, "a page without progress");
                    found.AddRange(page.Events.Select(e => e.Position));
                    after = page.Through;
                    head = page.Head;
                }

                Assert.Equal(wanted.Select(e => e.Position), found);

                var kept = new List<long>();
                var left = 0L;
                var part = 0L;
                after = 0;
                for (var head = 1L; after < head; )
                {
                    var isNew = after >= part;
                    (var page, var skipped, part) = await reader.ReadNewestAsync(
                        after,
                        filter,
                        mostBytes: random.Next(1, 500),
                        through: isNew ? null : part,
                        cancellationToken
                    );
                    kept.AddRange(page.Events.Select(e => e.Position));
                    left += isNew ? skipped?.Count ?? 0 : 0;
                    after = page.Through;
                    head = page.Head;
                }

                Assert.Equal(wanted.Count, kept.Count + left);
                Assert.Equal(kept.Order(), kept);

                foreach (var newest in wanted.GroupBy(e => e.Event.Key ?? e.Event.Topic).Select(g => g.Last().Position))
                    Assert.Contains(newest, kept);
            }
        }
    }

    /// <summary>Makes Postgres take the log for empty, as if autovacuum had come by before the first row was visible,
    /// and keeps autovacuum away from then on.</summary>
    private const string TakeForEmpty = """
        do $$
        declare part regclass;
        begin
            for part in select inhrelid from pg_inherits where inhparent = 'eventstore.events'::regclass loop
                execute format('alter table %s set (autovacuum_enabled = off)', part);
            end loop;
            update pg_class set reltuples = 0, relpages = 1
            where relnamespace = 'eventstore'::regnamespace and relkind in ('r', 'i');
        end $$
        """;

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task The_rows_that_a_page_looks_at_do_not_grow_with_the_log(bool listed)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var log = await StartAsync(partitionSpan: 1_000_000);
        await using var store = await RowsRead.OneConnectionAsync(log.Host, StorePool.Reads);
        var reader = new EventReader(store, log.Host.Services.GetRequiredService<IOptions<EventStoreOptions>>());
        // In the same session: another one would add the rows that it read to the statistics seconds later.
        var directory = ActivatorUtilities.CreateInstance<TopicDirectory>(log.Host.Services, store);

        foreach (
            var filter in (EventFilter[])
                [
                    EventFilter.Of([.. Enumerable.Range(0, 100).Select(n => $"*.{n}.none")], [], []),
                    EventFilter.Of([.. Enumerable.Range(0, 100).Select(n => $"t.{n}.>")], ["rare"], []),
                    EventFilter.Of([.. Enumerable.Range(0, 100).Select(n => $"t.{n}.a")], [], ["rare"]),
                    EventFilter.Of(["t.*.none"], [], []),
                    EventFilter.Of(["nobody"], [], []),
                    EventFilter.Of([">"], ["rare"], []),
                ]
        )
        {
            await store.ExecuteAsync("select eventstore.reset()");
            await store.ExecuteAsync(TakeForEmpty);
            await FillAsync(5_000);

            var inShort = await RowsOfAsync(filter);
            await FillAsync(15_000);
            var inLong = await RowsOfAsync(filter);

            Assert.True(
                inLong <= Math.Max(12_000, inShort * 1.5),
                $"{inShort} rows were looked at in a log of 5,000 events, {inLong} in one of 20,000 "
                    + $"for {string.Join(' ', filter.Topics)}"
            );
        }

        async Task FillAsync(int events)
        {
            await store.ExecuteAsync(
                $"""
                insert into eventstore.events (position, id, topic, type, key, data, time)
                select nextval('eventstore.position'), gen_random_uuid(), 't.' || n % 3000 || '.a', 'n', null, '1',
                    now()
                from generate_series(1, {events}) n
                """
            );
            while (listed && await directory.ListAsync(cancellationToken) > 0) { }
        }

        async Task<long> RowsOfAsync(EventFilter filter)
        {
            var before = await RowsRead.CountAsync(store, @"eventstore\.");
            await reader.ReadAsync(0, filter, cancellationToken: cancellationToken);
            return await RowsRead.CountAsync(store, @"eventstore\.") - before;
        }
    }

    [Fact]
    public async Task Topic_counts_include_unlisted_events_and_exclude_dropped_ones()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var log = await StartAsync(partitionSpan: 100);
        var appender = log.Appender;
        var topics = log.Topics;
        var directory = log.Directory;
        await appender.AppendAsync(
            [.. Enumerable.Range(0, 99).Select(_ => new NewEvent("old", "n", "1"))],
            cancellationToken
        );

        await appender.AppendAsync(
            [.. Enumerable.Range(0, 50).Select(n => new NewEvent(n < 20 ? "old" : "new", "n", "1"))],
            cancellationToken
        );
        await directory.ListAsync(cancellationToken);
        await appender.AppendAsync([new("new", "n", "1"), new("newest", "n", "1")], cancellationToken);
        Assert.Equal([("new", 31), ("newest", 1), ("old", 119)], await CountsAsync());

        await log.Database.ExecuteAsync(
            "drop table eventstore.events_000000000; select eventstore.forget_partition(0)"
        );
        Assert.Equal([("new", 31), ("newest", 1), ("old", 20)], await CountsAsync());

        async Task<(string, long)[]> CountsAsync() => [.. (await ListAsync(topics)).Select(t => (t.Topic, t.Count))];
    }

    [Fact]
    public async Task A_reset_and_concurrent_readers_of_the_log_do_not_deadlock()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var log = await StartAsync(partitionSpan: 100);
        var topics = log.Topics;
        var directory = log.Directory;
        var reader = log.FilteredReader;

        var done = 0;

        async Task UntilDoneAsync(Func<Task> read)
        {
            while (Volatile.Read(ref done) == 0)
                await read();
        }

        Task[] reading =
        [
            .. Enumerable.Range(0, 3).Select(_ => Task.Run(() => UntilDoneAsync(() => ListAsync(topics)))),
            .. Enumerable
                .Range(0, 3)
                .Select(_ =>
                    Task.Run(() => UntilDoneAsync(() => topics.ReadAsync("a.b", 1, ["end"], cancellationToken)))
                ),
            Task.Run(() =>
                UntilDoneAsync(() =>
                    reader.ReadAsync(0, EventFilter.Of(["a.*"], [], []), cancellationToken: cancellationToken)
                )
            ),
            Task.Run(() => UntilDoneAsync(() => directory.ListAsync(cancellationToken))),
        ];

        try
        {
            for (var i = 0; i < 30; i++)
            {
                await log.Appender.AppendAsync([new NewEvent("a.b", "n", "1")], cancellationToken);
                await log.Database.ExecuteAsync("select eventstore.reset()");
            }
        }
        finally
        {
            Volatile.Write(ref done, 1);
        }

        await Task.WhenAll(reading);
    }

    private static async Task<OpenLog> StartAsync(int partitionSpan)
    {
        var log = await OpenLog.NewAsync(("AspireSse:EventStore:SearchRows", "256"));
        await PartitionSpan.SetAsync(log.Database, partitionSpan);
        return log;
    }

    private static NewEvent Event(Random random) =>
        new(
            $"{Token(random)}.{Token(random)}" + (random.Next(3) == 0 ? $".{random.Next(60)}" : ""),
            $"type{random.Next(4)}",
            $"\"{new string('x', random.Next(60))}\"",
            random.Next(3) == 0 ? null : $"key{random.Next(5)}"
        );

    private static string Token(Random random) => $"{(char)('a' + random.Next(6))}";

    private static EventFilter Filter(Random random) =>
        EventFilter.Of(
            [
                .. Enumerable
                    .Range(0, random.Next(4))
                    .Select(_ =>
                        random.Next(6) switch
                        {
                            0 => $"{Token(random)}.>",
                            1 => $"*.{Token(random)}",
                            2 => $"{Token(random)}.*",
                            3 => $"*.{Token(random)}.>",
                            4 => $"{Token(random)}.*.{random.Next(60)}",
                            _ => $"{Token(random)}.{Token(random)}",
                        }
                    ),
            ],
            random.Next(3) == 0 ? [$"type{random.Next(4)}", $"type{random.Next(4)}"] : [],
            random.Next(4) == 0 ? [$"key{random.Next(5)}"] : []
        );

    private static bool Wants(EventFilter filter, NewEvent published) =>
        (filter.Topics.Count == 0 || filter.Topics.Any(t => TopicPattern.Matches(t, published.Topic)))
        && (filter.Types.Count == 0 || filter.Types.Contains(published.Type))
        && (filter.Keys.Count == 0 || (published.Key is not null && filter.Keys.Contains(published.Key)));

    private static Task<IReadOnlyList<TopicSummary>> ListAsync(TopicReader topics) =>
        topics.ListAsync("", pages => pages.ReadAsync("", "", 10), TestContext.Current.CancellationToken);
}
