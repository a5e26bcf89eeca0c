using System.Net;
using System.Text.Json;
using Harness;

namespace Integration.Security;

/// <summary>Rate limits of one client, with the defaults of Production.</summary>
[Trait("Takes", "long")]
public sealed class LimitTests(AssemblyWide<LimitedSystem> shared) : IClassFixture<AssemblyWide<LimitedSystem>>
{
    private static readonly HttpMethod Get = HttpMethod.Get,
        Post = HttpMethod.Post;

    /// <summary>Requests without a limit of their own are limited per user, or per address without a valid
    /// credential.</summary>
    [Fact]
    public async Task Requests_without_a_limit_of_their_own_have_that_of_their_user_or_address()
    {
        var server = shared.World.Server;
        foreach (
            var (path, token, key, answered) in ((string, string?, string?, HttpStatusCode)[])
                [
                    ("/v1/events?limit=1", Tokens.Of("ian", subscribe: ["orders.>"]), null, HttpStatusCode.OK),
                    ("/v1/topics", null, "no such key", HttpStatusCode.Unauthorized),
                    ("/nothing", null, null, HttpStatusCode.Unauthorized),
                ]
        )
        {
            var answers = await Task.WhenAll(
                Enumerable.Range(0, 300).Select(_ => SecureSystem.SendAsync(server, Get, path, token, key: key))
            );
            Assert.All(
                answers,
                a =>
                    Assert.True(
                        a.StatusCode == answered
                            || a
                                is {
                                    StatusCode: HttpStatusCode.TooManyRequests,
                                    Headers: { ConnectionClose: true, RetryAfter.Delta.TotalSeconds: >= 1 }
                                },
                        $"{path}: {a}"
                    )
            );
            Assert.Contains(answers, a => a.StatusCode == HttpStatusCode.TooManyRequests);
            foreach (var answer in answers)
                answer.Dispose();
        }

        Assert.Equal(
            HttpStatusCode.OK,
            await SecureSystem.StatusAsync(
                server,
                Get,
                "/v1/events",
                Tokens.Of("somebody else", subscribe: ["orders.>"])
            )
        );
        Assert.Equal(HttpStatusCode.OK, await SecureSystem.StatusAsync(server, Get, "/alive"));
    }

    /// <summary>They are answered before their endpoint, and without a credential.</summary>
    [Theory]
    [InlineData("OPTIONS", "Access-Control-Request-Method", "POST", HttpStatusCode.NoContent)]
    [InlineData("POST", "Sec-Fetch-Site", "cross-site", HttpStatusCode.Forbidden)]
    public async Task Preflights_and_refused_requests_of_other_sites_are_limited_per_address(
        string method,
        string header,
        string value,
        HttpStatusCode answered
    )
    {
        using var http = new HttpClient { BaseAddress = shared.World.Server };
        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => SendAsync()));

        Assert.All(
            answers,
            a => Assert.Contains(a.StatusCode, (HttpStatusCode[])[answered, HttpStatusCode.TooManyRequests])
        );
        Assert.Contains(answers, a => a.StatusCode == HttpStatusCode.TooManyRequests);
        foreach (var answer in answers)
            answer.Dispose();

        async Task<HttpResponseMessage> SendAsync()
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), "/v1/events");
            request.Headers.Add("Origin", "https://elsewhere.example");
            request.Headers.Add(header, value);
            return await http.SendAsync(request, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>A session and a last id that are made up would start a source, which writes to the log for a
    /// minute.</summary>
    [Fact]
    public async Task Resumes_start_few_sources_per_client_and_reach_all_that_run()
    {
        const int Most = 2; // half of those of a minute
        var server = shared.World.Server;
        var ann = Tokens.Of("ann of sources", subscribe: ["sse.resilient.>"]);
        for (var i = 0; i < Most; i++)
        {
            await using var started = await SecureSystem.OpenAsync(server, $"/sse/resilient/made-up-{i}", ann, "1");
            await started.WaitAsync(r => r.Frames.Any(f => f.Event == "resync"));
        }
        await using var refused = await SecureSystem.OpenAsync(server, "/sse/resilient/one-too-many", ann, "1");
        await refused.WaitForEndAsync();
        Assert.Contains(refused.Frames, f => f.Retry is not null);
        Assert.DoesNotContain(refused.Frames, f => f.Event is not null);

        await using var running = await SecureSystem.OpenAsync(server, "/sse/resilient/made-up-0", ann, "0");
        await running.WaitForEventsAsync(1);
    }

    [Fact]
    public async Task A_stream_of_a_posted_text_counts_as_a_new_stream()
    {
        var ann = Tokens.Of("ann of texts", publish: ["chat"]);
        for (var i = 0; i < 10; i++)
            Assert.Equal(HttpStatusCode.OK, await AskAsync());
        Assert.Equal(HttpStatusCode.TooManyRequests, await AskAsync());

        // To its end: a stream that the server does not yet know to be cut still counts as open.
        async Task<HttpStatusCode> AskAsync()
        {
            using var answer = await SecureSystem.SendAsync(
                shared.World.Server,
                Post,
                "/chat/stream",
                ann,
                new { text = "one two" }
            );
            await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task New_streams_are_each_users_own_and_a_resume_is_not_a_new_one()
    {
        var server = shared.World.Server;
        const string Orders = "/v1/events/stream?topic=orders.a";
        var ann = Tokens.Of("ann", subscribe: ["orders.>"]);
        string? last = null;
        for (var i = 0; i < 10; i++)
        {
            await using var reader = await SecureSystem.OpenAsync(server, Orders, ann);
            await reader.WaitAsync(r => r.LastId is not null);
            last = reader.LastId;
        }
        using var refused = await SecureSystem.SendAsync(server, Get, Orders, ann);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.True(refused.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);
        // Another user has limits of its own at any address.
        Assert.Equal(
            HttpStatusCode.OK,
            await SecureSystem.StatusAsync(server, Get, Orders, Tokens.Of("bob", subscribe: ["orders.>"]))
        );

        using (
            var posted = await SecureSystem.SendAsync(
                server,
                Post,
                "/v1/events/stream",
                ann,
                new { topics = (string[])["orders.a"], lastEventId = last }
            )
        )
            Assert.Equal(HttpStatusCode.OK, posted.StatusCode);
        for (var i = 0; i < 14; i++)
        {
            await using var resumed = await SecureSystem.OpenAsync(server, Orders, ann, last);
            await resumed.WaitAsync(r => r.LastId is not null);
        }
        // 429 would stop a browser for good.
        await using var putOff = await SecureSystem.OpenAsync(server, Orders, ann, last);
        await putOff.WaitForEndAsync();
        Assert.True(putOff.EndedProperly);
        Assert.Contains(putOff.Frames, f => f.Retry is not null);
        Assert.All(putOff.Frames, f => Assert.Null(f.Id));
    }

    [Fact]
    public async Task Open_streams_of_one_user_are_bounded_and_a_closed_one_gives_its_place_back()
    {
        var server = shared.World.Server;
        const string Orders = "/v1/events/stream?topic=orders.a";
        var cid = Tokens.Of("cid", subscribe: ["orders.>"]);
        var open = new List<SseReader>();
        for (var i = 0; i < 3; i++)
            open.Add(await SecureSystem.OpenAsync(server, Orders, cid));
        Assert.Equal(HttpStatusCode.TooManyRequests, await SecureSystem.StatusAsync(server, Get, Orders, cid));

        // A resuming client's former streams may still count as open, so it may have twice as many. An invented id
        // opens no more.
        for (var i = 0; i < 3; i++)
            open.Add(await SecureSystem.OpenAsync(server, Orders + "&last_event_id=x-1", cid));
        using (var putOff = await SecureSystem.SendAsync(server, Get, Orders + "&last_event_id=x-1", cid))
            Assert.Contains(
                ": This server is full",
                await putOff.Content.ReadAsStringAsync(),
                StringComparison.Ordinal
            );

        foreach (var reader in open)
            await reader.DisposeAsync();
        // Asked by the operator, because each try would count against the user's limit of new streams.
        await Eventually.HoldsAsync(
            async () =>
                !(await SecureSystem.JsonAsync(server, Get, "/v1/connections", key: SecureSystem.OperatorKey))
                    .GetProperty("connections")
                    .EnumerateArray()
                    .Any(row => row.GetProperty("user").GetString() == "cid"),
            "the streams are closed"
        );
        await Eventually.HoldsAsync(
            async () => await SecureSystem.StatusAsync(server, Get, Orders, cid) == HttpStatusCode.OK,
            "a place is given back"
        );
    }

    [Theory]
    [InlineData("/v1/events", HttpStatusCode.Accepted)]
    [InlineData("/session", HttpStatusCode.OK)]
    [InlineData("/tasks", HttpStatusCode.BadRequest)]
    [InlineData("/v1/orders", HttpStatusCode.BadRequest)]
    [InlineData("/v1/stream-tickets", HttpStatusCode.BadRequest)]
    [InlineData("/v1/messages/count_tokens", HttpStatusCode.BadRequest)]
    public async Task Publishes_and_changes_of_one_user_are_bounded(string path, HttpStatusCode answered)
    {
        var server = shared.World.Server;
        var dan = Tokens.Of($"dan at {path}", publish: [">"]);
        object body = path == "/v1/events" ? new EventBody("orders.a", "n", 1) : new { };
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 60).Select(_ => SecureSystem.SendAsync(server, Post, path, dan, body))
        );

        Assert.Contains(answers, a => a.StatusCode == answered);
        var refused = answers.Where(a => a.StatusCode != answered).ToList();
        Assert.NotEmpty(refused);
        Assert.All(
            refused,
            a =>
                Assert.Equal(
                    (HttpStatusCode.TooManyRequests, true),
                    (a.StatusCode, a.Headers.RetryAfter?.Delta > TimeSpan.Zero)
                )
        );
        Assert.Contains(
            "Limits:PublishesPerSecond",
            await refused[0].Content.ReadAsStringAsync(),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("/v1/chat/completions", HttpStatusCode.BadRequest)]
    [InlineData("/v1/generations", HttpStatusCode.BadRequest)]
    [InlineData("/v1/messages", HttpStatusCode.BadRequest)]
    [InlineData("/sse/chat", HttpStatusCode.BadRequest)]
    [InlineData("/sse/backpressure-chat", HttpStatusCode.BadRequest)]
    [InlineData("/message/0b54f3a6-21c5-4c5e-9a43-4d0f9f6f8a01", HttpStatusCode.NotFound)]
    public async Task Requests_for_model_work_of_one_user_are_bounded(string path, HttpStatusCode answered)
    {
        var bob = Tokens.Of($"bob at {path}", subscribe: [">"], publish: [">"]);
        for (var i = 0; i < 2; i++)
            Assert.Equal(answered, await SecureSystem.StatusAsync(shared.World.Server, Post, path, bob, new { }));
        using var refused = await SecureSystem.SendAsync(shared.World.Server, Post, path, bob, new { });
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Contains(
            "Limits:GenerationsPerMinute",
            await refused.Content.ReadAsStringAsync(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_vendors_clients_are_refused_in_its_format()
    {
        var server = shared.World.Server;
        var eve = Tokens.Of("eve", publish: ["chat"]);
        for (var i = 0; i < 2; i++)
            await SecureSystem.StatusAsync(server, Post, "/v1/chat/completions", eve, new { });
        using var refused = await SecureSystem.SendAsync(server, Post, "/v1/chat/completions", eve, new { });
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal(
            "rate_limit_error",
            JsonDocument
                .Parse(await refused.Content.ReadAsStringAsync())
                .RootElement.GetProperty("error")
                .GetProperty("type")
                .GetString()
        );
    }

    [Fact]
    public async Task A_client_with_its_share_of_a_models_places_waits_and_the_others_do_not()
    {
        var server = shared.World.Server;
        var eve = Tokens.Of("long-winded", ["generations.>"], ["generations.>"]);
        var ann = Tokens.Of("brief", ["generations.>"], ["generations.>"]);

        var first = await GenerateAsync(eve);
        await using var talking = await ReadAsync(first, eve);
        await talking.WaitAsync(r => r.Events.Any(e => e.Event == "token"));
        await using var queued = await ReadAsync(await GenerateAsync(eve), eve);
        await queued.WaitAsync(r => r.Events.Any(e => e.Event == "state"));
        await using var other = await ReadAsync(await GenerateAsync(ann), ann);
        await other.WaitAsync(r => r.Events.Any(e => e.Event == "token"));
        Assert.DoesNotContain(queued.Events, e => e.Event == "token");

        await SecureSystem.JsonAsync(server, HttpMethod.Delete, $"/v1/generations/{first}", eve);
        await queued.WaitAsync(r => r.Events.Any(e => e.Event == "token"));

        async Task<string> GenerateAsync(string user) =>
            (
                await SecureSystem.JsonAsync(
                    server,
                    Post,
                    "/v1/generations",
                    user,
                    new { messages = new[] { new { role = "user", content = "Tell me all." } }, maxTokens = 4_000 }
                )
            )
                .GetProperty("id")
                .GetString()!;

        Task<SseReader> ReadAsync(string id, string user) =>
            SecureSystem.OpenAsync(server, $"/v1/generations/{id}/stream", user);
    }
}
