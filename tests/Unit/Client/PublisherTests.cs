using System.Text.Json;
using System.Text.Json.Nodes;
using AspireSse.Client.Publishing;
using Harness;
using Microsoft.AspNetCore.Http;
using static Unit.Client.SseServer;

namespace Unit.Client;

public class PublisherTests
{
    private static readonly PublisherOptions Quick = new()
    {
        InitialDelay = TimeSpan.FromMilliseconds(1),
        MaxDelay = TimeSpan.FromMilliseconds(2),
    };

    [Fact]
    public void Times_that_no_timer_can_wait_are_refused_at_once()
    {
        using var http = new HttpClient { BaseAddress = new("http://localhost") };
        foreach (
            var options in (PublisherOptions[])
                [
                    new() { AttemptTimeout = TimeSpan.Zero },
                    new() { AttemptTimeout = TimeSpan.FromDays(50) },
                    new() { MaxDelay = TimeSpan.MaxValue },
                ]
        )
            Assert.Throws<ArgumentException>(() => new EventPublisher(http, options));
    }

    [Fact]
    public async Task An_event_is_acknowledged_with_its_position()
    {
        await using var server = await StartAsync(Accept(0));
        var outgoing = OutgoingEvent.Create("orders.42", "order", new { petId = 7, name = "しば" }) with { Key = "42" };
        var published = await Publisher(server).PublishAsync(outgoing, Stop);

        Assert.Equal((outgoing.Id, "e-1"), (published.Id, published.Position));
        var sent = JsonNode.Parse(server.Requests[0].Body)!;
        Assert.Equal(
            ("orders.42", "order", "42", "しば"),
            ((string?)sent["topic"], (string?)sent["type"], (string?)sent["key"], (string?)sent["data"]!["name"])
        );

        Assert.Equal(
            ("POST", "/v1/events", "application/json"),
            (server.Requests[0].Method, server.Requests[0].Target, server.Requests[0].Headers["Content-Type"])
        );
    }

    [Fact]
    public async Task A_publish_without_an_answer_is_sent_again_with_the_same_ids()
    {
        await using var server = await StartAsync(
            Status(503, "0"),
            Status(500),
            context =>
            {
                context.Abort();
                return Task.CompletedTask;
            },
            Accept(0)
        );
        var published = await Publisher(server).PublishAsync(Events(2), Stop);
        Assert.Equal(2, published.Count);
        Assert.Equal(4, server.Requests.Count);

        var body = Assert.Single(server.Requests.Select(r => r.Body).Distinct());
        Assert.All(JsonNode.Parse(body)!.AsArray(), sent => Assert.NotNull(sent!["id"]));
    }

    [Fact]
    public async Task A_request_without_an_answer_in_time_is_repeated()
    {
        await using var server = await StartAsync(
            context => Task.Delay(Timeout.Infinite, context.RequestAborted),
            Accept(0)
        );
        var time = new ManualTime();
        using var http = new HttpClient { BaseAddress = new Uri(server.Url) };
        var options = Quick with { AttemptTimeout = TimeSpan.FromSeconds(10) };
        var publishing = new EventPublisher(http, options, time).PublishAsync(Events(1).Single(), Stop);

        await server.WaitForRequestAsync();
        Assert.Equal(TimeSpan.FromSeconds(10), await time.PassDelayAsync());
        await Eventually.HoldsAsync(() =>
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            return publishing.IsCompleted;
        });
        Assert.Equal("e-1", (await publishing).Position);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(409)]
    [InlineData(413)]
    public async Task A_refusal_is_not_repeated(int status)
    {
        await using var server = await StartAsync(Problem(status, new { title = "Invalid", detail = "topic: no" }));
        var exception = await FailAsync(server, Events(1));
        Assert.Equal((status, "topic: no"), ((int)exception.StatusCode!, exception.Problem?.Detail));
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    public async Task A_publish_that_is_redirected_to_the_history_has_not_published(int status)
    {
        await using var server = await StartAsync(
            Redirect(status, "/v1/events?there"),
            context =>
                context.Response.WriteAsJsonAsync(
                    new { events = new[] { new { id = Guid.NewGuid(), position = "e-1" } }, head = "e-9" }
                )
        );
        var exception = await FailAsync(server, Events(1));
        Assert.Contains("Nothing was published: the request was redirected to a GET", exception.Message);
        Assert.Contains("/v1/events?there", exception.Message);
        Assert.Equal(["POST", "GET"], server.Requests.Select(r => r.Method));
    }

    [Fact]
    public async Task An_answer_that_acknowledges_other_events_is_no_success()
    {
        var events = Events(2);
        foreach (var ids in new Guid[][] { [], [events[0].Id], [events[1].Id, events[0].Id], [Guid.NewGuid()] })
        {
            await using var server = await StartAsync(context =>
                context.Response.WriteAsJsonAsync(
                    new { accepted = ids.Length, events = ids.Select(id => new { id, position = "e-1" }) }
                )
            );
            Assert.Contains("does not acknowledge", (await FailAsync(server, events)).Message);
        }
    }

    [Fact]
    public async Task After_its_retries_it_gives_up_with_the_last_reason()
    {
        await using var server = await StartAsync(Status(503));
        var exception = await FailAsync(server, Events(1), Quick with { MaxRetries = 2 });
        Assert.Equal(503, (int)exception.StatusCode!);
        Assert.Equal(3, server.Requests.Count);
    }

    [Fact]
    public async Task A_stream_of_events_goes_in_lines_and_in_order_a_batch_at_a_time()
    {
        await using var server = await StartAsync(Accept(0), Status(503), Accept(3), Accept(6));
        var events = Events(7);
        var asked = 0;
        var published = new List<PublishedEvent>();

        await foreach (var one in Publisher(server, Quick with { StreamBatch = 3 }).PublishAsync(Asked(), Stop))
        {
            published.Add(one);
            Assert.InRange(asked - published.Count, 0, 3);
        }

        Assert.Equal(events.Select(e => e.Id), published.Select(p => p.Id));
        Assert.Equal(
            [3, 3, 3, 1],
            server.Requests.Select(r => r.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length)
        );
        Assert.All(server.Requests, r => Assert.Equal("application/x-ndjson", r.Headers["Content-Type"]));

        async IAsyncEnumerable<OutgoingEvent> Asked()
        {
            foreach (var outgoing in events)
            {
                await Task.Yield();
                asked++;
                yield return outgoing;
            }
        }
    }

    [Fact]
    public async Task A_refused_line_says_how_far_the_stream_got()
    {
        var invalid = new
        {
            title = "Invalid line",
            line = 2,
            accepted = 1,
        };
        await using var server = await StartAsync(Accept(0), Problem(400, invalid));
        var exception = await Assert.ThrowsAsync<PublishException>(async () =>
        {
            await foreach (
                var _ in Publisher(server, Quick with { StreamBatch = 3 })
                    .PublishAsync(Events(6).ToAsyncEnumerable(), Stop)
            ) { }
        });

        Assert.Equal(4, exception.Accepted);
    }

    [Fact]
    public async Task Data_over_several_lines_is_still_one_line()
    {
        await using var server = await StartAsync(Accept(0));
        var outgoing = new OutgoingEvent("a", "b", "{\n  \"x\": 1\n}\n"u8.ToArray());
        await foreach (var _ in Publisher(server).PublishAsync(new[] { outgoing }.ToAsyncEnumerable(), Stop)) { }

        Assert.EndsWith("\"data\":{\"x\":1}}\n", server.Requests[0].Body);
        await Assert.ThrowsAnyAsync<JsonException>(() =>
            Publisher(server).PublishAsync(new OutgoingEvent("a", "b", "{} {}"u8.ToArray()), Stop)
        );
    }

    [Fact]
    public async Task Cancellation_is_not_taken_for_a_timeout()
    {
        await using var server = await StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        using var cancellation = new CancellationTokenSource();
        var publishing = Publisher(server, Quick with { MaxRetries = 0 })
            .PublishAsync(Events(1).Single(), cancellation.Token);

        await server.WaitForRequestAsync();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publishing);
        Assert.Single(server.Requests);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static List<OutgoingEvent> Events(int count) =>
        [.. Enumerable.Range(1, count).Select(n => OutgoingEvent.Create("orders", "order", new { n }))];

    private static EventPublisher Publisher(SseServer server, PublisherOptions? options = null) =>
        new(new HttpClient { BaseAddress = new Uri(server.Url) }, options ?? Quick);

    /// <summary>Publishes events that are refused.</summary>
    private static Task<PublishException> FailAsync(
        SseServer server,
        List<OutgoingEvent> events,
        PublisherOptions? options = null
    ) => Assert.ThrowsAsync<PublishException>(() => Publisher(server, options).PublishAsync(events, Stop));

    private static Func<HttpContext, Task> Problem(int status, object problem) =>
        context =>
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsJsonAsync(problem, (JsonSerializerOptions?)null, "application/problem+json");
        };

    /// <summary>Accepts the events, at the positions after the given one.</summary>
    private static Func<HttpContext, Task> Accept(int head) =>
        async context =>
        {
            var body = context.Items["body"] as string ?? "";
            var events =
                context.Request.ContentType == "application/x-ndjson"
                    ? body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!)
                : JsonNode.Parse(body) is JsonArray array ? array.Select(n => n!)
                : [JsonNode.Parse(body)!];

            var answers = events
                .Select((e, i) => new { id = (string?)e["id"], position = $"e-{head + i + 1}" })
                .ToList();
            context.Response.StatusCode = 202;
            await context.Response.WriteAsJsonAsync(new { accepted = answers.Count, events = answers });
        };
}
