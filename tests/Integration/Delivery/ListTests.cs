using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Harness;
using Integration.Seeds;

namespace Integration.Delivery;

/// <summary>The lists of what is there, member by member: events, topics, streams, replicas.</summary>
public sealed class ListTests(AssemblyWide<TwoReplicas> shared) : IClassFixture<AssemblyWide<TwoReplicas>>
{
    private static readonly string[] StatsMembers =
    [
        "at",
        "connections",
        "delivered",
        "latencyMs",
        "appended",
        "lag",
        "resumes",
        "resyncs",
        "degraded",
    ];

    // The tests share the servers; each has its own topics.
    private readonly string _root = $"t{Guid.NewGuid():N}";

    private RunningService A => shared.World.System.Replicas[0];
    private RunningService B => shared.World.System.Replicas[1];

    private string T(string rest) => $"{_root}.{rest}";

    [Fact]
    public async Task A_page_of_history_has_whole_events_the_next_id_and_the_head()
    {
        var positions = await World.PublishNumbersAsync(A, T("1"), 1, 3);
        await World.PublishNumbersAsync(A, T("other.x"), 1, 3);

        var first = await SeedRequests.GetAsync(B.Url, $"/v1/events?topic={T("*")}&limit=2");
        Assert.Equal(["events", "next", "head"], NamesOf(first));
        var events = first.GetProperty("events").EnumerateArray().ToList();

        Assert.Equal(positions[..2], events.Select(e => e.Text("position")));
        Assert.All(
            events,
            e => Assert.Equal(["id", "position", "topic", "type", "key", "data", "time", "traceparent"], NamesOf(e))
        );

        var second = await SeedRequests.GetAsync(
            B.Url,
            $"/v1/events?topic={T("*")}&limit=2&after={first.Text("next")}"
        );
        var rest = Assert.Single(second.GetProperty("events").EnumerateArray());
        Assert.Equal(positions[2], rest.Text("position"));
        Assert.Null(second.Text("next"));
        Assert.True(World.Position(second.Text("head")!) >= World.Position(positions[2]));
    }

    [Fact]
    public async Task A_page_of_history_has_a_thousand_events_at_most_however_many_are_asked_for()
    {
        await World.PublishNumbersAsync(A, T("many"), 1, 1_001);

        foreach (var limit in (string[])["100000", "2147483648"])
        {
            var page = await SeedRequests.GetAsync(A.Url, $"/v1/events?topic={T("many")}&limit={limit}");
            Assert.Equal(1_000, page.GetProperty("events").GetArrayLength());
            Assert.NotNull(page.Text("next"));
        }
    }

    [Theory]
    [InlineData("/v1/topics?limit=2147483648")]
    [InlineData("/v1/connections?limit=99999999999999999999")]
    [InlineData("/tasks?limit=99999999999")]
    public async Task A_limit_beyond_every_integer_is_the_most(string path) =>
        Assert.NotEqual(JsonValueKind.Undefined, (await SeedRequests.GetAsync(A.Url, path)).ValueKind);

    [Fact]
    public async Task A_list_of_topics_counts_events_and_the_subscribers_of_all_replicas()
    {
        var positions = await World.PublishNumbersAsync(A, T("a"), 1, 3);
        await World.PublishNumbersAsync(A, T("b"), 1, 1);
        await World.PublishNumbersAsync(A, T("c.other"), 1, 1);

        await using var one = await SseReader.OpenAtAsync(A.Url, $"/v1/events/stream?topic={T("a")}");
        await using var all = await SseReader.OpenAtAsync(B.Url, $"/v1/events/stream?topic={T("*")}");

        JsonElement topics = default;
        await Eventually.HoldsAsync(
            async () =>
            {
                topics = await SeedRequests.GetAsync(B.Url, $"/v1/topics?prefix={_root}.&limit=2");
                return topics.GetProperty("topics")[0].GetProperty("subscribers").GetInt32() == 2;
            },
            "the subscribers of both replicas are counted"
        );

        Assert.Equal(["topics", "next"], NamesOf(topics));
        var rows = topics.GetProperty("topics").EnumerateArray().ToList();
        Assert.All(rows, row => Assert.Equal(["topic", "count", "head", "subscribers"], NamesOf(row)));
        Assert.Equal(
            [(T("a"), 3, 2), (T("b"), 1, 1)],
            rows.Select(r =>
                (r.Text("topic")!, r.GetProperty("count").GetInt32(), r.GetProperty("subscribers").GetInt32())
            )
        );
        Assert.Equal(positions[2], rows[0].Text("head"));

        var next = await SeedRequests.GetAsync(A.Url, $"/v1/topics?prefix={_root}.&after={topics.Text("next")}");
        Assert.Equal(T("c.other"), Assert.Single(next.GetProperty("topics").EnumerateArray()).Text("topic"));
        Assert.Null(next.Text("next"));
    }

    [Fact]
    public async Task A_list_of_streams_says_of_each_whose_it_is_and_how_it_is_delivered()
    {
        await using var reader = await SseReader.OpenAtAsync(A.Url, $"/v1/events/stream?topic={T("1")}");
        await World.PublishNumbersAsync(A, T("1"), 1, 3);
        await reader.WaitForEventsAsync(3);

        JsonElement page = default;
        await Eventually.HoldsAsync(
            async () =>
            {
                page = await SeedRequests.GetAsync(B.Url, $"/v1/connections?sort=-latencyMs.p99&filter={T("1")}");
                return page.GetProperty("connections").EnumerateArray().SingleOrDefault()
                        is { ValueKind: JsonValueKind.Object } listed
                    && listed.GetProperty("delivered").GetInt32() == 3;
            },
            "the other replica lists the stream with its deliveries"
        );

        var row = page.GetProperty("connections")[0];
        Assert.Equal(
            [
                "id",
                "replica",
                "client",
                "user",
                "topics",
                "connectedAt",
                "delivered",
                "bytes",
                "latencyMs",
                "lag",
                "rttMs",
                "state",
            ],
            NamesOf(row)
        );
        Assert.Equal(["p50", "p95", "p99"], NamesOf(row.GetProperty("latencyMs")));
        Assert.True(row.GetProperty("latencyMs").GetProperty("p99").GetDouble() > 0);
        Assert.True(row.GetProperty("bytes").GetInt64() > 0);
        Assert.Equal(
            (T("1"), "live", 0),
            (row.GetProperty("topics")[0].GetString(), row.Text("state"), row.GetProperty("lag").GetInt32())
        );
    }

    [Fact]
    public async Task A_list_of_streams_has_those_of_the_examples_too_and_continues_after_a_page()
    {
        await using var ticks = await SseReader.OpenAtAsync(A.Url, "/sse/events");
        await using var tasks = await SseReader.OpenAtAsync(B.Url, "/events/stream");

        var found = new List<string>();
        await Eventually.HoldsAsync(
            async () =>
            {
                found.Clear();

                for (var after = ""; after is not null; )
                {
                    using var response = await SeedRequests.SendAsync(
                        A.Url,
                        HttpMethod.Get,
                        $"/v1/connections?sort=connectedAt&limit=1{after}"
                    );
                    // A stream of a test before may have ended between two pages.
                    if (!response.IsSuccessStatusCode)
                        return false;

                    var page = await response.Content.ReadFromJsonAsync<JsonElement>();
                    found.AddRange(
                        page.GetProperty("connections")
                            .EnumerateArray()
                            .SelectMany(row => row.GetProperty("topics").EnumerateArray())
                            .Select(topic => topic.GetString()!)
                    );
                    after = page.Text("next") is { } next ? $"&after={next}" : null;
                }

                return found.Contains("sse.ticks") && found.Contains("tasks.*");
            },
            "both streams are listed, a page each"
        );
    }

    [Fact]
    public async Task A_list_of_streams_is_sorted_by_lag_across_replicas()
    {
        const int Events = 600; // 2.4 MB: more than the sockets of a reader hold
        await using var furthest = await StalledReader.OpenAsync(A.Url, Stream("furthest"), receiveBuffer: 16 * 1024);
        await World.PublishLargeAsync(A, T("1"), Events);

        await using var behind = await StalledReader.OpenAsync(B.Url, Stream("behind"), receiveBuffer: 16 * 1024);
        await World.PublishLargeAsync(A, T("1"), Events);
        await using var level = await SseReader.OpenAtAsync(A.Url, Stream("level"));

        List<(string Name, long Lag)> rows = [];
        await Eventually.HoldsAsync(
            async () =>
            {
                rows = await SortedAsync("-lag");
                return LagOf("furthest") > LagOf("behind") && LagOf("behind") > 0 && LagOf("level") == 0;
            },
            "the readers lag by different numbers of positions",
            () => string.Join(' ', rows)
        );

        Assert.Equal(["furthest", "behind", "level"], rows.Select(row => row.Name));

        // By its own numbers: a replica is asked after the other, and other tests append between the two.
        var ascending = await SortedAsync("lag");
        Assert.Equal(3, ascending.Count);
        Assert.Equal(ascending.OrderBy(row => row.Lag), ascending);

        string Stream(string name) => $"/v1/events/stream?topic={T("1")}&topic={T(name)}";

        long LagOf(string name) => rows.SingleOrDefault(row => row.Name == name, (name, -1)).Lag;

        async Task<List<(string Name, long Lag)>> SortedAsync(string order)
        {
            var page = await SeedRequests.GetAsync(B.Url, $"/v1/connections?sort={order}&filter={T("1")}");
            return
            [
                .. from row in page.GetProperty("connections").EnumerateArray()
                let topics = row.GetProperty("topics").EnumerateArray().Select(topic => topic.GetString()!)
                select (topics.Single(topic => topic != T("1")).Split('.')[1], row.GetProperty("lag").GetInt64()),
            ];
        }
    }

    [Fact]
    public async Task The_stats_of_a_replica_say_of_each_second_what_it_delivered_and_resumed()
    {
        // Of its own: what other tests do is counted.
        await using var system = await World.Start();
        var replica = system.Replicas[0];
        var before = await NextSecondAsync();
        var position = (await World.PublishNumbersAsync(replica, T("1"), 1, 1))[0];
        await using var reader = await SseReader.OpenAtAsync(
            replica.Url,
            $"/v1/events/stream?topic={T("1")}",
            position
        );

        await using var lost = await SseReader.OpenAtAsync(
            replica.Url,
            $"/v1/events/stream?topic={T("1")}",
            "no-id-of-ours"
        );
        await World.PublishNumbersAsync(replica, T("1"), 2, 3);
        await reader.WaitForEventsAsync(3);

        List<JsonElement> stats = [];
        await Eventually.HoldsAsync(
            async () =>
            {
                stats = await StatsAsync(before);
                return stats.Any(s => s.TryGetProperty("delivered", out _))
                    && stats.Any(s => s.TryGetProperty("resyncs", out _))
                    && stats.Any(s => s.GetProperty("connections").GetInt32() >= 2);
            },
            "the seconds of the deliveries and of the resync are over",
            () => string.Join('\n', stats)
        );

        Assert.Equal(stats.Select(AtOf).Order().Distinct(), stats.Select(AtOf));
        Assert.All(
            stats,
            // Members without a value are left out.
            second => Assert.Equal(StatsMembers.Where(m => second.TryGetProperty(m, out _)), NamesOf(second))
        );
        Assert.All(stats, second => Assert.Equal(["at", "connections"], NamesOf(second).Take(2)));
        Assert.All(
            stats.Where(s => s.TryGetProperty("delivered", out _)),
            second => Assert.Equal(["p50", "p95", "p99"], NamesOf(second.GetProperty("latencyMs")))
        );
        Assert.Contains(stats, s => s.TryGetProperty("appended", out var appended) && appended.GetDouble() > 0);
        Assert.Equal(1, stats.Sum(s => s.TryGetProperty("resumes", out var count) ? count.GetInt64() : 0));

        var resyncs = stats.SelectMany(s => s.TryGetProperty("resyncs", out var all) ? all.EnumerateObject() : default);
        Assert.Equal(["malformed 1"], resyncs.Select(reason => $"{reason.Name} {reason.Value}"));

        // Only what is newer than the client has.
        var last = AtOf(stats[^1]);
        Assert.All(await StatsAsync(last), second => Assert.True(AtOf(second) > last));

        static long AtOf(JsonElement second) => second.GetProperty("at").GetInt64();

        async Task<long> NextSecondAsync()
        {
            var former = (await StatsAsync(0)).Select(AtOf).LastOrDefault();
            var next = 0L;
            await Eventually.HoldsAsync(
                async () => (next = (await StatsAsync(0)).Select(AtOf).LastOrDefault()) > former,
                "another second is over"
            );
            return next;
        }

        async Task<List<JsonElement>> StatsAsync(long after) =>
            [.. (await SeedRequests.GetAsync(replica.Url, $"/v1/replicas/stats?after={after}")).EnumerateArray()];
    }

    [Fact]
    public async Task A_list_of_replicas_has_each_with_its_own_address_and_state()
    {
        await using var reader = await SseReader.OpenAtAsync(B.Url, $"/v1/events/stream?topic={T("1")}");

        JsonElement rows = default;
        await Eventually.HoldsAsync(
            async () =>
            {
                rows = await SeedRequests.GetAsync(A.Url, "/v1/replicas");
                return RowOf(B) is { ValueKind: JsonValueKind.Object } row
                    && row.GetProperty("connections").GetInt32() > 0
                    // A heartbeat that is late on a busy machine makes a replica degraded for a moment.
                    && row.Text("mode") == "live"
                    && RowOf(A).Text("mode") == "live";
            },
            "the other replica is listed with its streams, and both are live",
            () => rows.ToString()
        );

        foreach (var replica in (RunningService[])[A, B])
        {
            var row = RowOf(replica);
            Assert.Equal(["name", "url", "connections", "head", "lag", "mode"], NamesOf(row));
            Assert.True(World.Position(row.Text("head")!) >= 0);
        }

        JsonElement RowOf(RunningService replica) =>
            rows.EnumerateArray().SingleOrDefault(r => r.Text("url") == replica.Url.ToString().TrimEnd('/'));
    }

    [Theory]
    [InlineData("/v1/events?limit=0", "limit")]
    [InlineData("/v1/events?limit=ten", "limit")]
    [InlineData("/v1/events?limit=000", "limit")]
    [InlineData("/v1/events?limit=-9999999999", "limit")]
    [InlineData("/v1/events?limit=%D9%A1", "limit")]
    [InlineData("/v1/events?after=nothing", "after")]
    [InlineData("/v1/events?after=another-1", "after")]
    [InlineData("/v1/topics?limit=0", "limit")]
    [InlineData("/v1/topics?after=a..b", "after")]
    [InlineData("/v1/topics?prefix=*", "prefix")]
    [InlineData("/v1/connections?limit=0", "limit")]
    [InlineData("/v1/connections?sort=nothing", "sort")]
    [InlineData("/v1/connections?after=nothing", "after")]
    [InlineData("/v1/replicas/stats?after=yesterday", "after")]
    public async Task A_list_that_cannot_be_made_as_asked_names_the_parameter(string path, string field)
    {
        using var refused = await SeedRequests.SendAsync(A.Url, HttpMethod.Get, path);

        Assert.Equal(
            (HttpStatusCode.BadRequest, "application/problem+json"),
            (refused.StatusCode, refused.Content.Headers.ContentType?.MediaType)
        );

        var problem = await refused.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.True(problem.GetProperty("errors").TryGetProperty(field, out _), problem.ToString());
    }

    private static IEnumerable<string> NamesOf(JsonElement row) => row.EnumerateObject().Select(member => member.Name);
}
