using System.Net;
using Harness;
using Integration.Delivery;
using Integration.Seeds;

namespace Integration.Security;

/// <summary>A client beyond its rates has what nobody else wants, with the defaults of Production.</summary>
public sealed class SpareTests(SpareTests.Defaults fixture) : IClassFixture<SpareTests.Defaults>
{
    public sealed class Defaults : SharedWorld
    {
        internal Uri Server => System.Replicas[0].Url;
        protected override int Broadcasters => 0;
        protected override string? ApiKey => SecureSystem.OperatorKey;
        protected override Dictionary<string, string> Settings =>
            new(SecureSystem.Settings)
            {
                ["Limits__SparePercent"] = "25",
                ["Limits__NewStreamsPerMinute"] = "2",
                ["Limits__PublishesPerSecond"] = "2",
                ["Limits__PublishKilobytesPerSecond"] = "16",
                ["Limits__RequestsPerSecond"] = "2",
                ["AspireSse__Llm__GenerationsPerMinute"] = "2",
            };
    }

    [Theory]
    [InlineData("GET /v1/events/stream?topic=orders.a", null, HttpStatusCode.OK)]
    [InlineData("GET /v1/events?topic=orders.a", null, HttpStatusCode.OK)]
    [InlineData("POST /v1/events", """{"topic":"orders.a","type":"n","data":1}""", HttpStatusCode.Accepted)]
    [InlineData("POST /v1/generations", """{"messages":[{"role":"user","content":"Hi"}]}""", HttpStatusCode.Created)]
    public async Task Twenty_requests_of_a_user_who_may_send_two_are_served(
        string request,
        string? body,
        HttpStatusCode answered
    )
    {
        var ann = Tokens.Of($"ann {request}", ["orders.>"], ["orders.>", "generations.*"]);
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => fixture.Server.StatusAsync(request, ann, body))
        );
        Assert.All(answers, status => Assert.Equal((int)answered, status));
    }

    /// <summary>Beyond the rates of bytes and of requests: a request has one turn for both.</summary>
    [Fact]
    public async Task Imports_beyond_the_rate_are_stored_whole()
    {
        const int Lines = 1_000;
        var line = """{"topic":"orders.import","type":"n","data":1}""" + '\n';
        var ann = Tokens.Of("importer", publish: ["orders.>"]);

        var accepted = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async _ =>
                {
                    var lines = SecureRequests.Text(
                        string.Concat(Enumerable.Repeat(line, Lines)),
                        "application/x-ndjson"
                    );
                    using var answer = await fixture.Server.SendAsync("POST /v1/events", ann, lines);
                    return (await answer.JsonAsync()).Number("accepted");
                })
        );
        Assert.All(accepted, stored => Assert.Equal(Lines, stored));
    }

    /// <summary>The limit of the article.</summary>
    [Fact]
    public async Task The_streams_of_tasks_are_ten_a_minute_whatever_is_to_spare()
    {
        var ann = Tokens.Of("ann of tasks", ["tasks.>"]);
        for (var n = 0; n < 10; n++)
            await fixture.Server.ExpectAsync(200, "GET /events/stream", ann);
        using var refused = await fixture.Server.SendAsync("GET /events/stream", ann);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Contains(
            "opened 10 new streams in the last minute",
            await refused.TextAsync(),
            StringComparison.Ordinal
        );
    }

    /// <summary>An API key serves many people.</summary>
    [Fact]
    public async Task Tickets_of_one_API_key_have_a_rate_each()
    {
        for (var n = 0; n < 12; n++)
        {
            var ticket = await fixture.Server.TicketAsync(SecureSystem.OperatorKey, "tasks.>");
            await fixture.Server.ExpectAsync(200, $"GET /events/stream?ticket={Uri.EscapeDataString(ticket)}");
        }
    }
}
