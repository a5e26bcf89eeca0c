using Harness;
using Integration.Delivery;

namespace Integration.Security;

/// <summary>Rules of <c>GET /v1/topics</c> for clients that may read some topics.</summary>
public sealed class TopicListTests(TopicListTests.ShortScans fixture) : IClassFixture<TopicListTests.ShortScans>
{
    private readonly World _system = fixture.System;

    /// <summary>A replica that looks at four topics of a grant for a page.</summary>
    public sealed class ShortScans : SharedWorld
    {
        protected override int Broadcasters => 0;
        protected override string? ApiKey => SecureSystem.OperatorKey;
        protected override Dictionary<string, string> Settings =>
            new(SecureSystem.Settings)
            {
                ["Events__MaxScannedTopics"] = "4",
                ["AspireSse__EventStore__CommandTimeoutSeconds"] = "300",
            };
    }

    [Fact]
    public async Task A_bounded_topic_scan_continues_on_the_next_page_and_reveals_no_other_topic()
    {
        var server = _system.Replicas[0].Url;
        string[] names =
        [
            .. Enumerable.Range(10, 10).Select(n => $"user.{n}.secret"),
            .. Enumerable.Range(10, 10).Where(n => n % 4 == 3).Select(n => $"user.{n}.inbox"),
            .. Enumerable.Range(10, 6).Select(n => $"room.{n}.secret"),
            "room.12.inbox",
        ];
        await SecureSystem.PublishAsync(server, [.. names.Select(name => new EventBody(name, "n", 1))]);

        var token = Tokens.Of("dan", subscribe: ["user.*.inbox", "room.*.inbox"]);

        var (listed, pages, cut) = await ListAllAsync(server, token, names);
        // Four topics are looked at for a page, and twenty begin like the grants.
        Assert.InRange(cut, names.Length / 4 - 1, names.Length);
        Assert.InRange(pages, cut, names.Length);
        Assert.Equal(names.Where(n => TopicPattern.Matches("*.*.inbox", n)).Order(StringComparer.Ordinal), listed);
    }

    [Fact]
    public async Task A_page_looks_at_few_topics_however_many_grants_its_client_has()
    {
        const int boxes = 12;
        var server = _system.Replicas[0].Url;
        string[] names =
        [
            .. Enumerable.Range(10, boxes).SelectMany(n => new[] { $"box{n}.a.secret", $"box{n}.b.secret" }),
            "box15.c.inbox",
            "box21",
            "box211",
        ];

        await SecureSystem.PublishAsync(server, [.. names.Select(name => new EventBody(name, "n", 1))]);
        var token = Tokens.Of(
            "fay",
            subscribe: [.. Enumerable.Range(10, boxes).Select(n => $"box{n}.*.inbox"), "box21", "box15.c.inbox"]
        );

        var (listed, pages, _) = await ListAllAsync(server, token, names);
        Assert.InRange(pages, names.Length / 4, names.Length);
        Assert.Equal(["box15.c.inbox", "box21"], listed);
    }

    [Fact]
    public async Task A_listing_stops_when_all_of_its_clients_have_disconnected()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var http = new HttpClient { BaseAddress = _system.Replicas[0].Url };
        http.DefaultRequestHeaders.Authorization = new("Bearer", Tokens.Of("eve", subscribe: [">"]));

        await using var locked = await LockedTable.LockAsync(_system.Database, "eventstore.topics");
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var first = http.GetAsync("/v1/topics", leave.Token);

        await Eventually.HoldsAsync(async () => await ReadingAsync() == 1, "the list waits for the table");
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await Eventually.HoldsAsync(async () => await ReadingAsync() == 0, "the read has ended");

        var next = http.GetAsync("/v1/topics", cancellationToken);
        await locked.ReleaseAsync();
        (await next).EnsureSuccessStatusCode();

        Task<long> ReadingAsync() => locked.WaitersAsync("table eventstore.topics");
    }

    /// <summary>Follows a list to its end. <c>Cut</c> are its pages that ended before they were full.</summary>
    private static async Task<(List<string> Topics, int Pages, int Cut)> ListAllAsync(
        Uri server,
        string token,
        string[] stored
    )
    {
        var listed = new List<string>();
        var pages = 0;
        var cut = 0;

        for (string? next = ""; next is not null; pages++)
        {
            Assert.InRange(pages, 0, stored.Length);
            var list = await server.JsonAsync($"GET /v1/topics?limit=2&after={next}", token);
            listed.AddRange(
                list.GetProperty("topics").EnumerateArray().Select(t => t.GetProperty("topic").GetString()!)
            );
            next = list.GetProperty("next").GetString();
            Assert.DoesNotContain("secret", list.ToString(), StringComparison.Ordinal);

            if (next is ['~', ..])
                cut++;
            else if (next is not null)
                Assert.Contains(next, listed);
        }

        return (listed, pages, cut);
    }
}
