using System.Net;
using Harness;
using StreamApi.Seeds.Resilient;

namespace Integration.Security;

/// <summary>Rate limits of one client, with the defaults of Production.</summary>
[Trait("Takes", "long")]
public sealed class LimitTests(AssemblyWide<LimitedSystem> shared) : IClassFixture<AssemblyWide<LimitedSystem>>
{
    private const string Everything = "reads >, publishes >",
        Orders = "GET /v1/events/stream?topic=orders.a",
        Event = """{"topic":"orders.a","type":"n","data":1}""",
        Requests = "Limits:RequestsPerSecond",
        Publishes = "Limits:PublishesPerSecond",
        Work = "AspireSse:Llm:GenerationsPerMinute";

    /// <summary>A limit per second admits more the longer its requests take; one per minute an exact number.</summary>
    private const int PerSecond = 0;

    private Uri Server => shared.World.Server;

    /// <summary>Caller, request, body, the status before the limit, its number of requests, and what its refusal
    /// says.</summary>
    public static TheoryData<string, string, string?, int, int, string> Rows =>
        new()
        {
            { "reads orders.>", "GET /v1/events?limit=1", null, 200, PerSecond, Requests },
            { Everything, "POST /v1/events", Event, 202, PerSecond, Publishes },
            { Everything, "POST /session", "{}", 200, PerSecond, Publishes },
            { Everything, "POST /tasks", "{}", 400, PerSecond, Publishes },
            { Everything, "POST /v1/orders", "{}", 400, PerSecond, Publishes },
            { Everything, "POST /v1/stream-tickets", "{}", 400, PerSecond, Publishes },
            { Everything, "POST /v1/messages/count_tokens", "{}", 400, PerSecond, Publishes },
            { Everything, "POST /chat/stream", """{"text":"one two"}""", 200, 10, "Limits:NewStreamsPerMinute" },
            { Everything, "POST /v1/generations", "{}", 400, 2, Work },
            { Everything, "POST /v1/messages", "{}", 400, 2, Work },
            { Everything, "POST /api/chat", "{}", 400, 2, Work },
            { Everything, "POST /agents/ag-ui", "{}", 400, 2, Work },
            { Everything, "DELETE /api/chat/c/stream", null, 204, PerSecond, Publishes },
            { Everything, "DELETE /agents/ag-ui/t/r", null, 404, PerSecond, Publishes },
            { Everything, "POST /sse/chat", "{}", 400, 2, Work },
            { Everything, "POST /sse/backpressure-chat", "{}", 400, 2, Work },
            { Everything, "POST /message/0b54f3a6-21c5-4c5e-9a43-4d0f9f6f8a01", "{}", 404, 2, Work },
            { Everything, "POST /v1/chat/completions", "{}", 400, 2, Work },
            // In the format of the vendor.
            { "publishes chat", "POST /v1/chat/completions", "{}", 400, 2, "\"type\":\"rate_limit_error\"" },
        };

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task A_users_requests_are_bounded_and_the_refusal_names_the_limit(
        string caller,
        string request,
        string? body,
        int answered,
        int most,
        string says
    )
    {
        var credential = SecureSystem.CredentialOf(caller, user: $"{caller}: {request}");
        var answers = new List<(int Status, TimeSpan? Delay, string Text)>();
        if (most > PerSecond)
            for (var asked = 0; asked <= most; asked++)
                answers.Add(await AskAsync());
        else
            answers.AddRange(
                await Task.WhenAll(Enumerable.Range(0, says == Requests ? 300 : 60).Select(_ => AskAsync()))
            );

        var admitted = answers.Where(a => a.Status == answered).ToList();
        var refused = answers.Where(a => a.Status != answered).ToList();
        Assert.NotEmpty(admitted);
        Assert.NotEmpty(refused);

        if (most > PerSecond)
            Assert.Equal(most, admitted.Count);

        foreach (var (status, delay, text) in refused)
        {
            Assert.Equal((429, true), (status, delay >= TimeSpan.FromSeconds(1)));
            Assert.Contains(says, text, StringComparison.Ordinal);
        }

        // To its end: a stream that the server does not yet know to be cut still counts as open.
        async Task<(int, TimeSpan?, string)> AskAsync()
        {
            using var answer = await Server.SendAsync(request, credential, body);
            var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            return ((int)answer.StatusCode, answer.Headers.RetryAfter?.Delta, text);
        }
    }

    /// <summary>Preflights are answered before their endpoint, and without a credential.</summary>
    [Theory]
    [InlineData("GET", "/nothing", "X-Other", "", 401)]
    [InlineData("GET", "/v1/topics", "X-Api-Key", "no such key", 401)]
    [InlineData("OPTIONS", "/v1/events", "Access-Control-Request-Method", "POST", 204)]
    [InlineData("POST", "/v1/events", "Sec-Fetch-Site", "cross-site", 401)]
    public async Task Requests_without_a_user_are_limited_per_address(
        string method,
        string path,
        string header,
        string value,
        int answered
    )
    {
        using var http = new HttpClient { BaseAddress = Server };
        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => SendAsync()));
        Assert.All(answers, status => Assert.Contains(status, (int[])[answered, 429]));
        Assert.Contains(429, answers);

        await Server.ExpectAsync(200, "GET /v1/events", Tokens.Of("somebody else", subscribe: ["orders.>"]));
        await Server.ExpectAsync(200, "GET /alive");

        async Task<int> SendAsync()
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            request.Headers.Add("Origin", "https://elsewhere.example");
            request.Headers.Add(header, value);
            using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
            return (int)answer.StatusCode;
        }
    }

    /// <summary>A session and a last id that are made up would start a source, which writes to the log for a
    /// minute.</summary>
    [Fact]
    public async Task Resumes_start_few_sources_per_client_and_reach_all_that_run()
    {
        const int Most = SourceStarts.PerMinute / 2;
        var ann = Tokens.Of("ann of sources", subscribe: ["sse.resilient.>"]);

        for (var i = 0; i < Most; i++)
        {
            await using var started = await SecureSystem.OpenAsync(Server, $"/sse/resilient/made-up-{i}", ann, "1");
            await started.WaitAsync(r => r.Frames.Any(f => f.Event == "resync"));
        }

        await using var refused = await SecureSystem.OpenAsync(Server, "/sse/resilient/one-too-many", ann, "1");
        await refused.WaitForEndAsync();
        Assert.Contains(refused.Frames, f => f.Retry is not null);
        Assert.Empty(refused.Events);

        await using var running = await SecureSystem.OpenAsync(Server, "/sse/resilient/made-up-0", ann, "0");
        await running.WaitForEventsAsync(1);
    }

    [Fact]
    public async Task New_streams_are_each_users_own_and_a_resume_is_not_a_new_one()
    {
        var path = Orders["GET ".Length..];
        var ann = Tokens.Of("ann", subscribe: ["orders.>"]);
        string? last = null;
        for (var i = 0; i < 10; i++)
        {
            await using var reader = await SecureSystem.OpenAsync(Server, path, ann);
            await reader.WaitAsync(r => r.LastId is not null);
            last = reader.LastId;
        }

        using var refused = await Server.SendAsync(Orders, ann);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.True(refused.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);
        // Another user has limits of its own at any address.
        await Server.ExpectAsync(200, Orders, Tokens.Of("bob", subscribe: ["orders.>"]));

        object posted = new { topics = (string[])["orders.a"], lastEventId = last };
        await Server.ExpectAsync(200, "POST /v1/events/stream", ann, posted);

        for (var i = 0; i < 14; i++)
        {
            await using var resumed = await SecureSystem.OpenAsync(Server, path, ann, last);
            await resumed.WaitAsync(r => r.LastId is not null);
        }

        // 429 would stop a browser for good.
        await using var putOff = await SecureSystem.OpenAsync(Server, path, ann, last);
        await putOff.WaitForEndAsync();
        Assert.True(putOff.EndedProperly);
        Assert.Contains(putOff.Frames, f => f.Retry is not null);
        Assert.All(putOff.Frames, f => Assert.Null(f.Id));
    }

    [Fact]
    public async Task Open_streams_of_one_user_are_bounded_and_a_closed_one_gives_its_place_back()
    {
        const string Resumed = Orders + "&last_event_id=x-1";
        await using var system = await World.Start(o =>
            o.Broadcasters(0)
                .Set(SecureSystem.Settings)
                .Set("AspireSse:Streaming:MaxConnections", 6)
                .Set("AspireSse:Streaming:MaxConnectionsPerClient", 3)
                .ApiKey(SecureSystem.OperatorKey)
        );
        var server = system.Replicas[0].Url;
        var cid = Tokens.Of("cid", subscribe: ["orders.>"]);
        var open = new List<HttpResponseMessage>();
        for (var i = 0; i < 3; i++)
            open.Add(await OpenAsync(Orders));

        await server.ExpectAsync(429, Orders, cid);

        // A resuming client's former streams may still count as open, so it may have twice as many. An invented id
        // opens no more.
        for (var i = 0; i < 3; i++)
            open.Add(await OpenAsync(Resumed));

        using (var putOff = await server.SendAsync(Resumed, cid))
            Assert.Contains(": This server is full", await putOff.Content.ReadAsStringAsync());

        foreach (var stream in open)
            stream.Dispose();

        // Asked by the operator, because each try would count against the user's limit of new streams.
        await Eventually.HoldsAsync(
            async () =>
                (await server.JsonAsync("GET /v1/connections?filter=cid", SecureSystem.OperatorKey))
                    .GetProperty("connections")
                    .GetArrayLength() == 0,
            "the streams are closed"
        );
        await Eventually.HoldsAsync(async () => await server.StatusAsync(Orders, cid) == 200, "a place is given back");

        async Task<HttpResponseMessage> OpenAsync(string request)
        {
            var stream = await server.SendAsync(request, cid);
            Assert.Equal(HttpStatusCode.OK, stream.StatusCode);
            return stream;
        }
    }

    [Fact]
    public async Task A_client_with_its_share_of_a_models_places_waits_and_the_others_do_not()
    {
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

        await Server.ExpectAsync(200, $"DELETE /v1/generations/{first}", eve);
        await queued.WaitAsync(r => r.Events.Any(e => e.Event == "token"));

        async Task<string> GenerateAsync(string user)
        {
            object body = new
            {
                messages = new[] { new { role = "user", content = "Tell me all." } },
                maxTokens = 4_000,
            };
            return (await Server.JsonAsync("POST /v1/generations", user, body)).GetProperty("id").GetString()!;
        }

        Task<SseReader> ReadAsync(string id, string user) =>
            SecureSystem.OpenAsync(Server, $"/v1/generations/{id}/stream", user);
    }
}
