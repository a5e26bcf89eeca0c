using System.Text.Json.Serialization;
using AspireSse.Client;
using Harness;
using static Unit.Client.Reading;
using static Unit.Client.SseServer;

namespace Unit.Client;

public partial class RequestTests
{
    public static TheoryData<string> Cases => [.. RequestCase.All.Keys];

    [Theory, MemberData(nameof(Cases))]
    public async Task It_does_what_all_clients_do(string name)
    {
        var expected = RequestCase.All[name];
        await using var server = await StartAsync([.. expected.Answers.Select(RequestCase.Answer)]);
        var events = new List<string>();

        var (end, lastId) = await expected.ReadAsync(server, events);
        Assert.Equal(expected.End, end);
        Assert.Equal(expected.Events, events);
        Assert.Equal(expected.Requests, server.Requests.Select(r => r.Method));

        if (expected.LastId is { } last)
            Assert.Equal(last, lastId);
        if (expected.LastIds is { } ids)
            Assert.Equal(ids, server.Requests.Select(r => r.LastEventId));
    }

    [Fact]
    public async Task A_refusal_whose_body_does_not_end_keeps_its_problem()
    {
        await using var server = await StartAsync(Endless(404));
        var refused = await FailAsync(server);
        Assert.Equal((SseError.Rejected, "Unknown topic."), (refused.Error, refused.Problem?.Title));
    }

    [Fact]
    public async Task Of_a_refusal_above_64_kB_the_status_remains()
    {
        await using var server = await StartAsync(context =>
        {
            context.Response.StatusCode = 404;
            context.Response.ContentType = "application/problem+json";
            return WriteAsync(context, $$"""{"title":"{{new string('x', 100_000)}}"}""");
        });
        var refused = await FailAsync(server);
        Assert.Equal((SseError.Rejected, null), (refused.Error, refused.Problem));
    }

    [Fact]
    public async Task It_asks_for_an_event_stream_and_no_cache()
    {
        await using var server = await StartAsync(Status(204));
        await ReadAsync(new SseRequest(server.Url) { Headers = new Dictionary<string, string> { ["X-Tenant"] = "a" } });
        var headers = server.Requests[0].Headers;

        Assert.Equal("text/event-stream", headers["Accept"]);
        Assert.Contains("no-store", headers["Cache-Control"]);
        Assert.Equal("a", headers["X-Tenant"]);
        Assert.DoesNotContain("Last-Event-ID", headers.Keys);
    }

    [Fact]
    public async Task The_callers_own_headers_replace_the_streams_whatever_their_case()
    {
        await using var server = await StartAsync(Status(204));
        var own = new Dictionary<string, string> { ["accept"] = "*/*", ["CACHE-CONTROL"] = "max-age=0" };
        await ReadAsync(new SseRequest(server.Url) { Headers = own });

        var headers = server.Requests[0].Headers;
        Assert.Equal("*/*", headers["Accept"]);
        Assert.Equal("max-age=0", headers["Cache-Control"]);
    }

    [Fact]
    public async Task A_POST_is_sent_again_with_its_body_and_the_last_id()
    {
        await using var server = await StartAsync(
            Stream("retry: 1\n\nid: run-1\ndata: a\n\n"),
            Broken("id: run-2\ndata: b\n\n"),
            Status(204)
        );
        await ReadAsync(SseRequest.PostJson(server.Url, new Subscription(["orders.>"]), Json.Default.Subscription));
        Assert.Equal(["POST", "POST", "POST"], server.Requests.Select(r => r.Method));
        Assert.All(server.Requests, r => Assert.Equal("""{"Topics":["orders.\u003E"]}""", r.Body));
        Assert.Equal([null, "run-1", "run-2"], server.Requests.Select(r => r.LastEventId));
    }

    [Fact]
    public async Task A_POST_of_any_object_has_the_webs_names()
    {
        await using var server = await StartAsync(Status(204));
        await ReadAsync(SseRequest.PostJson(server.Url, new { MaxTokens = 5 }));
        Assert.Equal("""{"maxTokens":5}""", Assert.Single(server.Requests).Body);
    }

    [Fact]
    public async Task A_POST_that_was_redirected_to_where_nothing_listens_is_not_sent_again()
    {
        await using var server = await StartAsync(Redirect(303, "http://127.0.0.1:1/"), Status(400));
        await Assert.ThrowsAsync<SseException>(() =>
            ReadAsync(new SseRequest(server.Url) { Method = HttpMethod.Post })
        );
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Token_and_ticket_are_asked_for_at_each_connect()
    {
        await using var server = await StartAsync(Stream("retry: 1\n\ndata: a\n\n"), Status(503), Status(204));
        int tokens = 0,
            tickets = 0;

        await ReadAsync(
            new SseRequest(server.Url + "/events?topic=x")
            {
                BearerToken = _ => new($"token-{++tokens}"),
                Ticket = _ => new($"ticket {++tickets}"),
            }
        );

        Assert.Equal(
            ["Bearer token-1", "Bearer token-2", "Bearer token-3"],
            server.Requests.Select(r => r.Headers["Authorization"])
        );

        Assert.Equal(
            [
                "/events?topic=x&ticket=ticket%201",
                "/events?topic=x&ticket=ticket%202",
                "/events?topic=x&ticket=ticket%203",
            ],
            server.Requests.Select(r => r.Target)
        );
    }

    [Fact]
    public async Task A_ticket_that_another_connection_took_over_is_not_sent_again_and_a_new_one_is()
    {
        const string Replaced = "event: unauthorized\ndata: {\"reason\":\"replaced\",\"expiresAt\":null}\n\n";
        await using var server = await StartAsync(Stream(Replaced), Stream(Replaced), Stream("data: a\n\n"));
        var tickets = new Queue<string>(["one", "two", "two"]);
        var request = new SseRequest(server.Url) { Ticket = _ => new(tickets.Dequeue()) };
        var reasons = new List<string?>();
        var exception = await Assert.ThrowsAsync<SseException>(() =>
            ReadAsync(request, each: one => reasons.Add(one.Unauthorized?.Reason))
        );

        Assert.Equal(SseError.Rejected, exception.Error);
        Assert.Contains("Another connection uses the ticket", exception.Message);
        Assert.Equal(["replaced", "replaced"], reasons);
        Assert.Equal(["/?ticket=one", "/?ticket=two"], server.Requests.Select(r => r.Target));
    }

    [Fact]
    public async Task A_token_function_that_ignores_its_cancellation_does_not_outlive_the_attempt()
    {
        await using var server = await StartAsync(Stream("data: a\n\n"));
        var never = new TaskCompletionSource<string?>();
        var calls = 0;
        var time = new ManualTime();
        using var client = new SseClient(time);
        var request = new SseRequest(server.Url) { BearerToken = _ => ++calls == 1 ? new(never.Task) : new("t") };
        await using var events = client.Open(request).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var first = events.MoveNextAsync().AsTask();

        await time.TickUntilDelayAsync();
        await time.PassDelayAsync();
        Assert.True(await first);
    }

    [Fact]
    public void A_dead_HTTP2_connection_is_closed_before_its_streams_count_as_silent()
    {
        using var handler = SseClient.CreateHandler();
        Assert.Equal(HttpKeepAlivePingPolicy.WithActiveRequests, handler.KeepAlivePingPolicy);
        Assert.True(handler.KeepAlivePingDelay + handler.KeepAlivePingTimeout < new SseClientOptions().IdleTimeout);
    }

    [Fact]
    public void A_client_with_a_timeout_is_refused()
    {
        using var http = new HttpClient();
        var exception = Assert.Throws<ArgumentException>(() => new SseClient(http));
        Assert.Contains("Timeout.InfiniteTimeSpan", exception.Message);
    }

    [Theory]
    [InlineData("a\nb")]
    [InlineData("a\r")]
    [InlineData("\0")]
    public void A_last_id_that_no_server_can_have_sent_is_refused(string id)
    {
        using var client = new SseClient();
        Assert.Throws<ArgumentException>(() => client.Open(new SseRequest("http://localhost/") { LastEventId = id }));
    }

    [Fact]
    public void Options_out_of_range_are_refused_before_anything_is_sent()
    {
        using var client = new SseClient();
        foreach (
            var options in new SseClientOptions[]
            {
                new() { IdleTimeout = TimeSpan.Zero },
                new() { IdleTimeout = TimeSpan.FromDays(200) },
                new() { InitialDelay = TimeSpan.Zero },
                new() { MaxDelay = TimeSpan.FromMilliseconds(1) },
                new() { MaxRetries = -1 },
                new() { MaxEventBytes = 1 },
            }
        )
            Assert.Throws<ArgumentException>(() => client.Open("http://localhost/", options));

        Assert.Throws<ArgumentException>(() => client.Open("/relative"));
    }

    internal sealed record Subscription(string[] Topics);

    [JsonSerializable(typeof(Subscription))]
    internal sealed partial class Json : JsonSerializerContext;
}
