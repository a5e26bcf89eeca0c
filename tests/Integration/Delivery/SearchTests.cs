using EventStore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Stack;

namespace Integration.Delivery;

/// <summary>Reads and streams that search the log for events that it hardly has.</summary>
public sealed class SearchTests(StackFixture stack)
{
    private const int Events = 20_000;

    [Fact]
    public async Task An_unfinished_page_with_many_rows_for_few_events_is_a_search()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var host = await StartAsync(cancellationToken);
        var reader = host.Services.GetRequiredKeyedService<EventReader>(StorePool.Reads);
        await AppendAsync(3_000);
        Assert.True(await IsSearchAsync(0, [], "none"));
        Assert.True(await IsSearchAsync(0, [], "60th"));
        // Its reader bounds the next one, also where a page is shorter than what was found.
        Assert.False(await IsSearchAsync(0, [], "4th"));
        Assert.False(await IsSearchAsync(0, [], "4th", limit: 4));
        Assert.False(await IsSearchAsync(2_900, [], "none"));
        Assert.True((await reader.ReadNewestAsync(0, EventFilter.All, null, null, cancellationToken)).Page.IsSearch);

        var directory = host.Services.GetRequiredService<TopicDirectory>();
        while (await directory.ListAsync(cancellationToken) > 0) { }
        await AppendAsync(500);
        Assert.True(await IsSearchAsync(0, ["t.*"], "none"));
        // They have reached the directory's end, and soon the head.
        Assert.False(await IsSearchAsync(2_000, ["t.1"], null));
        Assert.False(await IsSearchAsync(2_000, ["t.1"], "none"));

        async Task AppendAsync(int events)
        {
            for (var done = 0; done < events; done += 500)
                await host
                    .Services.GetRequiredService<EventAppender>()
                    .AppendAsync([.. Enumerable.Range(1, 500).Select(Numbered)], cancellationToken);
        }

        static NewEvent Numbered(int n) =>
            new(
                $"t.{n % 10}",
                n % 60 == 0 ? "60th"
                    : n % 4 == 0 ? "4th"
                    : "n",
                "1",
                "key"
            );

        async Task<bool> IsSearchAsync(long after, string[] topics, string? type, int? limit = null)
        {
            var filter = new EventFilter(topics, type is null ? [] : [type], []);
            var page = await reader.ReadAsync(after, filter, limit, cancellationToken: cancellationToken);
            Assert.Equal(after == 2_900, page.Through == page.Head);
            return page.IsSearch;
        }
    }

    [Fact]
    public async Task A_stream_without_matches_gets_the_searched_position()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var database = await MigratedDatabase.CreateAsync(stack, cancellationToken);
        await using var store = NpgsqlDataSource.Create(database.ConnectionString);
        await using var fill = store.CreateCommand(
            $"""
            insert into eventstore.events (position, id, topic, type, data, time)
            select nextval('eventstore.position'), gen_random_uuid(), 't.' || n % 100, 'n', '1', now()
            from generate_series(1, {Events}) n;
            select eventstore.begin_epoch() || '-1'
            """
        );
        var first = (string)(await fill.ExecuteScalarAsync(cancellationToken))!;
        await using var system = await DeliverySystem.StartAsync(
            stack,
            broadcasters: 0,
            settings: new()
            {
                // The whole search takes ten seconds and more.
                ["EventStore__SearchRows"] = "256",
                ["Streaming__ReplaySearchPercent"] = "3",
                ["Streaming__PositionSeconds"] = "1",
                ["Streaming__RecentEvents"] = "0",
            },
            database: database
        );
        await using var reader = await SseReader.OpenAsync(
            system.Replicas[0].Url,
            "/v1/events/stream?type=none",
            lastId: first
        );
        await reader.WaitAsync(_ => Ids().Count() > 2);
        var positions = Ids().Select(id => id.Position).ToList();
        Assert.Equal(positions.Distinct().Order(), positions);
        Assert.Equal(1, positions[0]);
        Assert.InRange(positions[2], 257, Events - 1);

        IEnumerable<StreamId> Ids() =>
            reader.Frames.Where(f => f.Id is not null).Select(f => StreamId.TryParse(f.Id!, out var id) ? id : default);
    }

    private async Task<IHost> StartAsync(CancellationToken cancellationToken)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["ConnectionStrings:eventstore"] = (
                    await MigratedDatabase.CreateAsync(stack, cancellationToken)
                ).ConnectionString,
                ["EventStore:SearchRows"] = "256",
            }
        );
        builder.Services.AddMetrics();
        builder.AddEventStore();
        var host = builder.Build();
        await host.StartAsync(cancellationToken);
        return host;
    }
}
