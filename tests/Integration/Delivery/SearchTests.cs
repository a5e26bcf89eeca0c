using EventStore;
using Integration.Seeds;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using Streaming.Admission;

namespace Integration.Delivery;

/// <summary>Reads and streams that search the log for events that it hardly has.</summary>
public sealed class SearchTests
{
    private const int Events = 20_000,
        SearchRows = 256,
        MostSearches = 3;

    [Fact]
    public async Task An_unfinished_page_with_many_rows_for_few_events_is_a_search()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var log = await OpenLog.NewAsync(("AspireSse:EventStore:SearchRows", $"{SearchRows}"));
        var reader = log.FilteredReader;

        await AppendAsync(3_000);
        Assert.True(await IsSearchAsync(0, [], "none"));
        Assert.True(await IsSearchAsync(0, [], "60th"));
        // Its reader bounds the next one, also where a page is shorter than what was found.
        Assert.False(await IsSearchAsync(0, [], "4th"));
        Assert.False(await IsSearchAsync(0, [], "4th", limit: 4));
        Assert.False(await IsSearchAsync(2_900, [], "none"));

        var newest = await reader.ReadNewestAsync(0, EventFilter.All, null, null, cancellationToken);
        Assert.True(newest.Page.IsSearch);
        Assert.Equal(MostSearches * SearchRows, newest.Through);

        while (await log.Directory.ListAsync(cancellationToken) > 0) { }

        await AppendAsync(500);
        Assert.True(await IsSearchAsync(0, ["t.*"], "none"));
        // They have reached the directory's end, and soon the head.
        Assert.False(await IsSearchAsync(2_000, ["t.1"], null));
        Assert.False(await IsSearchAsync(2_000, ["t.1"], "none"));

        async Task AppendAsync(int events)
        {
            for (var done = 0; done < events; done += 500)
                await log.Appender.AppendAsync([.. Enumerable.Range(1, 500).Select(Numbered)], cancellationToken);
        }

        static NewEvent Numbered(int number) =>
            new(
                $"t.{number % 10}",
                number % 60 == 0 ? "60th"
                    : number % 4 == 0 ? "4th"
                    : "n",
                "1",
                "key"
            );

        async Task<bool> IsSearchAsync(long after, string[] topics, string? type, int? limit = null)
        {
            var filter = EventFilter.Of(topics, type is null ? [] : [type], []);
            var page = await reader.ReadAsync(after, filter, limit, cancellationToken: cancellationToken);
            Assert.Equal(after == 2_900, page.Through == page.Head);
            return page.IsSearch;
        }
    }

    [Fact]
    public async Task A_search_looks_at_few_topics_however_many_patterns_it_has()
    {
        const int Patterns = 600,
            Topics = 40;
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var log = await OpenLog.NewAsync(("AspireSse:EventStore:SearchRows", $"{SearchRows}"));
        await using var store = await RowsRead.OneConnectionAsync(log.Host, StorePool.Reads);

        await store.ExecuteAsync(
            $"""
            insert into eventstore.events (position, id, topic, type, data, time)
            select nextval('eventstore.position'), gen_random_uuid(), 't.' || n % {Patterns} || '.' || n, 'n', '1',
                now()
            from generate_series(1, {Patterns * Topics}) n
            """
        );

        var directory = ActivatorUtilities.CreateInstance<TopicDirectory>(log.Host.Services, store);
        while (await directory.ListAsync(cancellationToken) > 0) { }

        var reader = new EventReader(store, log.Host.Services.GetRequiredService<IOptions<EventStoreOptions>>());
        var filter = EventFilter.Of([.. Enumerable.Range(0, Patterns).Select(n => $"t.{n}.*.none")], [], []);
        var before = await RowsRead.CountAsync(store, @"eventstore\.");

        await reader.ReadAsync(0, filter, cancellationToken: cancellationToken);
        var rows = await RowsRead.CountAsync(store, @"eventstore\.") - before;
        Assert.True(rows <= 4_000, $"{rows} rows");
    }

    [Fact]
    public async Task A_stream_without_matches_gets_the_searched_position()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var (database, first) = await FilledAsync(cancellationToken);
        await using var system = await World.Start(o =>
            o.Broadcasters(0)
                .Set("AspireSse:EventStore:SearchRows", SearchRows)
                .Set("AspireSse:Streaming:PositionSeconds", 1)
                .Set("AspireSse:Streaming:RecentEvents", 0)
                .Database(database)
        );
        // Another search, which lets the reader's go on by one page.
        var searches = ((ServiceHost)system.Replicas[0]).Services.GetRequiredService<Gates>().Searches;
        var seat = await searches.EnterAsync("other", Timeout.InfiniteTimeSpan, cancellationToken);
        await using var reader = await SseReader.OpenAsync(
            system.Replicas[0].Url,
            "/v1/events/stream?type=none",
            lastId: first
        );

        await reader.WaitAsync(_ => Ids().Count() > 1);
        // By somebody who has used no time yet: while the processors are busy the seat rests after the reader's page,
        // and the reader would come before one who has used more.
        var next = searches.EnterAsync("another", Timeout.InfiniteTimeSpan, cancellationToken).AsTask();
        seat.Dispose();
        seat = await next;
        await reader.WaitAsync(_ => Ids().Count() > 2);
        seat.Dispose();

        var positions = Ids().Select(id => id.Position).ToList();
        Assert.Equal(positions.Distinct().Order(), positions);
        Assert.Equal(1, positions[0]);
        Assert.InRange(positions[2], SearchRows + 1, Events - 1);

        IEnumerable<StreamPosition> Ids() =>
            reader
                .Frames.Where(f => f.Id is not null)
                .Select(f => StreamPosition.TryParse(f.Id!, out var id) ? id : default);
    }

    /// <summary>Else a client that begins replays without end would search as much as all others together.</summary>
    [Fact]
    public async Task A_client_whose_replay_was_a_search_waits_for_other_searches_from_the_first_page_on()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var (database, first) = await FilledAsync(cancellationToken);
        await using var system = await World.Start(o =>
            o.Broadcasters(0)
                .Set("AspireSse:EventStore:SearchRows", SearchRows)
                .Set("AspireSse:Streaming:RecentEvents", 0)
                .Database(database)
        );
        var gates = ((ServiceHost)system.Replicas[0]).Services.GetRequiredService<Gates>();
        using var search = await gates.Searches.EnterAsync("other", Timeout.InfiniteTimeSpan, cancellationToken);

        await using var readers = new Opened();
        for (var begun = 0; ; begun++)
        {
            Assert.InRange(begun, 0, 20);
            var seats = new List<IDisposable>();
            foreach (var other in (string[])["a", "b", "c"])
                seats.Add(await gates.Replays.EnterAsync(other, Timeout.InfiniteTimeSpan, cancellationToken));

            readers.Add(
                await SseReader.OpenAsync(system.Replicas[0].Url, $"/v1/events/stream?type=none{begun}", lastId: first)
            );

            await Eventually.HoldsAsync(
                () => gates.Searches.Waiting + gates.Replays.Waiting == begun + 1,
                "its first page waits for a seat"
            );
            if (gates.Replays.Waiting == 0)
                break;

            seats.ForEach(seat => seat.Dispose());
            await Eventually.HoldsAsync(() => gates.Searches.Waiting == begun + 1, "its first page was a search");
        }

        Assert.Equal(2, readers.Count);
    }

    private sealed class Opened : List<SseReader>, IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            foreach (var reader in this)
                await reader.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_page_of_history_ends_after_three_searches_and_its_next_continues_there()
    {
        var (database, _) = await FilledAsync(TestContext.Current.CancellationToken);
        await using var system = await World.Start(o =>
            o.Broadcasters(0).Set("AspireSse:EventStore:SearchRows", SearchRows).Database(database)
        );
        string? next = null;
        for (var page = 1; page <= 3; page++)
        {
            var json = await SeedRequests.GetAsync(system.Replicas[0].Url, $"/v1/events?type=none&after={next}");
            Assert.Equal(0, json.GetProperty("events").GetArrayLength());
            next = json.GetProperty("next").GetString();
            Assert.True(StreamPosition.TryParse(next!, out var at));
            Assert.Equal(page * MostSearches * SearchRows, at.Position);
        }
    }

    /// <summary>Creates a database with many events that no directory lists, and returns the id of the first.</summary>
    private static async Task<(NpgsqlConnectionStringBuilder Database, string First)> FilledAsync(
        CancellationToken cancellationToken
    )
    {
        var database = await Stores.Shared.CreateMigratedAsync(cancellationToken);
        await using var store = NpgsqlDataSource.Create(database.ConnectionString);
        var first = await store.AskAsync<string>(
            $"""
            insert into eventstore.events (position, id, topic, type, data, time)
            select nextval('eventstore.position'), gen_random_uuid(), 't.' || n % 100, 'n', '1', now()
            from generate_series(1, {Events}) n;
            select eventstore.begin_epoch() || '-1'
            """
        );

        return (database, first!);
    }
}
