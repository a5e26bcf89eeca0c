using System.Net;
using System.Threading.RateLimiting;

namespace Adopter.Middleware;

/// <summary>A stream's promises, kept beside each middleware that buffers, times, stores, rewrites or counts
/// responses.</summary>
public sealed class MiddlewareTests(HouseFixture houses) : IClassFixture<HouseFixture>
{
    private static readonly string[] Ways = ["/typed", "/either", "/marked", "/result"];

    public static TheoryData<string, bool, string> Streams =>
        [
            .. from row in MiddlewareTable.Rows
            from way in Ways
            // A cache decides before the endpoint runs.
            where way != "/result" || !row.House.Name.StartsWith("output cache", StringComparison.Ordinal)
            select new TheoryDataRow<string, bool, string>(row.House.Name, row.TakesOver, way),
        ];

    public static TheoryData<string, bool> Rows =>
        [.. MiddlewareTable.Rows.Select(row => new TheoryDataRow<string, bool>(row.House.Name, row.TakesOver))];

    public static TheoryData<string, bool, string> Timed =>
        [
            .. from house in (House[])[MiddlewareTable.RequestTimeouts, MiddlewareTable.RequestTimeoutsOfRoutes]
            from takesOver in (bool[])[false, true]
            from way in (string[])[.. Ways, "/items"]
            select new TheoryDataRow<string, bool, string>(house.Name, takesOver, way),
        ];

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task The_head_of_a_stream_says_that_it_is_neither_stored_nor_encoded(
        string middleware,
        bool takesOver,
        string way
    )
    {
        var house = await houses.GetAsync(middleware, takesOver);
        await using var stream = await house.OpenAsync($"{way}/head");
        AssertHead(stream.Response);
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Items_of_the_applications_own_come_at_once(string middleware, bool takesOver)
    {
        var house = await houses.GetAsync(middleware, takesOver);
        house.Push("own", "one");
        await using var stream = await house.OpenAsync("/items/own");
        await stream.WaitForEventsAsync(1);
        house.Push("own", "two");
        await stream.WaitForEventsAsync(2);
        AssertHead(stream.Response);
    }

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task Events_arrive_live_and_the_second_reader_of_a_URL_has_a_stream_of_its_own(
        string middleware,
        bool takesOver,
        string way
    )
    {
        var house = await houses.GetAsync(middleware, takesOver);
        var id = way[1..];
        await using var first = await house.OpenAsync($"{way}/{id}");
        await using var second = await house.OpenAsync($"{way}/{id}");

        foreach (var state in (string[])["placed", "paid"])
        {
            await house.AppendAsync(id, state);
            await first.WaitAsync(stream => stream.Events.Any(e => e.Event == state));
            await second.WaitAsync(stream => stream.Events.Any(e => e.Event == state));
        }
    }

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task A_stream_that_was_cut_resumes_without_a_gap(string middleware, bool takesOver, string way)
    {
        var house = await houses.GetAsync(middleware, takesOver);
        var id = $"cut-{way[1..]}";
        string last;
        await using (var first = await house.OpenAsync($"{way}/{id}"))
        {
            await house.AppendAsync(id, "placed");
            await first.WaitForEventsAsync(1);
            last = first.LastId!;
        }

        await house.AppendAsync(id, "paid");

        await using var second = await house.OpenAsync($"{way}/{id}", last);
        await second.WaitForEventsAsync(1);
        Assert.Equal(["paid"], second.Events.Select(e => e.Event));
    }

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task A_hole_that_is_no_token_answers_404_and_leads_nowhere_else(
        string middleware,
        bool takesOver,
        string way
    )
    {
        var house = await houses.GetAsync(middleware, takesOver);
        using var answer = await house.GetAsync($"{way}/a.b");
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.NotEqual("An error", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [MemberData(nameof(Timed))]
    public async Task A_stream_outlives_the_applications_request_timeouts(string middleware, bool takesOver, string way)
    {
        var house = await houses.GetAsync(middleware, takesOver);
        await using var stream = await house.OpenAsync($"{way}/long");

        // A request of the same limit, which began later, has met it.
        for (var i = 0; i < 2; i++)
        {
            using var slow = await house.GetAsync("/slow");
            Assert.Equal(HttpStatusCode.GatewayTimeout, slow.StatusCode);
        }

        if (way == "/items")
            house.Push("long", "paid");
        await house.AppendAsync("long", "paid");
        await stream.WaitForEventsAsync(1);
    }

    /// <summary>Knowledge of it that the table of docs/public-api.md has.</summary>
    [Fact]
    public async Task A_concurrency_limiters_permit_is_the_streams_until_it_ends()
    {
        var narrow = MiddlewareTable.Named("rate limiter") with
        {
            Add = builder =>
                builder.Services.AddRateLimiter(options =>
                    options.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(_ =>
                        RateLimitPartition.GetConcurrencyLimiter(
                            "all",
                            _ => new ConcurrencyLimiterOptions { PermitLimit = 1 }
                        )
                    )
                ),
        };
        await using var house = await RunningHouse.StartAsync(narrow, takesOver: false);
        await using (await house.OpenAsync("/typed/7"))
        {
            using var second = await house.GetAsync("/typed/7");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, second.StatusCode);
        }

        await Eventually.HoldsAsync(async () =>
        {
            using var next = await house.GetAsync("/typed/7");
            return next.StatusCode == HttpStatusCode.OK;
        });
    }

    private static void AssertHead(HttpResponseMessage head)
    {
        // A session adds "no-store".
        Assert.True(head.Headers.CacheControl?.NoCache);
        Assert.Empty(head.Content.Headers.ContentEncoding);
        Assert.Null(head.Headers.Age);
        Assert.Null(head.Content.Headers.ContentLength);
    }
}
