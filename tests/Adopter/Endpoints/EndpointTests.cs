using System.Net;
using System.Text.Json;
using Adopter.Showing;
using AspireSse.Server;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Adopter.Endpoints;

/// <summary>Endpoints that say what they take and send, and refuse the rest by the name of a field.</summary>
public sealed class EndpointTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/orders?limit=x", null, 400, "limit")]
    [InlineData("/orders?limti=7", null, 400, "limti")]
    [InlineData("/orders?open=perhaps", null, 400, "open")]
    [InlineData("/orders", """{"article":7}""", 400, "article")]
    [InlineData("/orders", """{}""", 400, "article")]
    [InlineData("/orders", """{"article":"tea","amuont":2}""", 400, "amuont")]
    [InlineData("/orders", """{"article":"tea","amount":2.5}""", 400, "amount")]
    [InlineData("/orders", """[1""", 400, "body")]
    [InlineData("/orders", """{"article":"gold"}""", 409, "article")]
    public async Task A_refusal_names_its_field(string path, string? body, int status, string field)
    {
        await using var app = await SmallApp.StartAsync(Map);
        using var response = body is null
            ? await app.Client.GetAsync(path, Stop)
            : await app.Client.PostAsync(path, new StringContent(body, null, "application/json"), Stop);

        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Stop);
        Assert.Equal(
            (status, "application/problem+json"),
            ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType)
        );
        Assert.Contains(field, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/orders?limit=2000&open=true", null, """{"limit":100,"open":true}""")]
    [InlineData("/orders", """{"article":"tea","amount":2}""", """{"article":"tea","amount":2}""")]
    public async Task What_an_endpoint_takes_is_read(string path, string? body, string answer)
    {
        await using var app = await SmallApp.StartAsync(Map);
        using var response = body is null
            ? await app.Client.GetAsync(path, Stop)
            : await app.Client.PostAsync(path, new StringContent(body, null, "application/json"), Stop);
        Assert.Equal(answer, await response.Content.ReadAsStringAsync(Stop));
    }

    [Fact]
    public async Task A_stream_describes_itself_and_takes_its_query_as_a_body()
    {
        await using var app = await SmallApp.StartAsync(Map);
        var endpoint = app
            .Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.Single(e => e.Metadata.GetMetadata<StreamMetadata>() is { Events.Count: > 0 });

        var stream = endpoint.Metadata.GetMetadata<StreamMetadata>()!;
        Assert.Equal(("Streams orders.", "paid"), (stream.Summary, stream.Events.Single().Name));
        Assert.Equal(
            ["state", "from", "slow", "last_event_id"],
            RequestParameter.Of(endpoint.Metadata).Select(parameter => parameter.Name)
        );
        Assert.Equal(RequestKind.Stream, endpoint.Metadata.GetMetadata<RequestKind>());

        await app.Log.AppendAsync("orders.7", "paid", 1, cancellationToken: Stop);
        using var body = JsonContent.Create(new { state = "paid", from = "earliest" });
        await using var reader = await SseReader
            .OpenAsync(app.Server, "/orders/stream", method: HttpMethod.Post, body: body)
            .ToEventsAsync(1);
        Assert.Equal("paid", reader.Events.First().Event);

        using var unknown = await app.Client.GetAsync("/orders/stream?sate=paid", Stop);
        Assert.Equal(HttpStatusCode.BadRequest, unknown.StatusCode);
    }

    [Fact]
    public async Task Reserved_topics_are_in_no_stream_of_everything()
    {
        await using var app = await SmallApp.StartAsync(Map, builder => builder.Services.ReserveTopics("secrets.>"));
        await app.Log.AppendAsync("secrets.1", "told", 1, cancellationToken: Stop);
        await app.Log.AppendAsync("orders.7", "paid", 1, cancellationToken: Stop);
        await using var reader = await SseReader.OpenAsync(app.Server, "/everything?from=earliest").ToEventsAsync(1);
        Assert.Equal("paid", reader.Events.First().Event);
        Assert.Throws<ArgumentException>(() => new ServiceCollection().ReserveTopics("*.secrets"));
    }

    [Fact]
    public async Task The_numbers_of_the_streams_are_read_at_once()
    {
        await using var app = await SmallApp.StartAsync(Map);
        var before = app.Connections.ReadStats();
        await using (var reader = await SseReader.OpenAtAsync(app.Server, "/everything"))
        {
            await app.Log.AppendAsync("orders.7", "paid", 1, cancellationToken: Stop);
            await reader.WaitForEventsAsync(1);
            await Eventually.HoldsAsync(
                () => app.Connections.ReadStats() is { Connections: 1, Delivered: 1, Lag: 0 },
                "the event is counted"
            );
        }

        var after = app.Connections.ReadStats();
        Assert.Equal((1, false, false), (after.Opened - before.Opened, after.IsDegraded, after.Head is null));
        Assert.NotNull(after.LatencySince(before)?.P99);
        Assert.Null(after.LatencySince(after));
    }

    private static void Map(WebApplication app)
    {
        app.UseRequestErrors();
        app.UseRouting();
        app.UseKnownQueryNames();

        app.MapGet(
                "/orders",
                (HttpRequest request) =>
                    new { limit = request.Query.PageLimit(usual: 10, most: 100), open = request.Query.Flag("open") }
            )
            .Query("limit", "Orders of the page.")
            .Query("open", "true: only open ones.");
        app.MapPost(
                "/orders",
                async (HttpContext context) =>
                {
                    var body = await JsonBody.ReadAsync(context);
                    body.CheckMembers("article", "amount");
                    var article = body.RequiredText("article", 20);
                    return article != "gold"
                        ? new { article, amount = body.Whole("amount", 1, 9) }
                        : throw new InvalidRequestException("article", "is sold out.", StatusCodes.Status409Conflict);
                }
            )
            .RefusesErrors();
        app.MapStream("/orders/stream", EventStreamResult () => TypedResults.EventStream($"orders.*"))
            .Query("state", "Only orders of a state.")
            .Sends("Streams orders.", ("paid", typeof(int)))
            .AllowAnonymous();
        app.MapGet("/everything", () => TypedResults.EventStream($">")).AllowAnonymous();
    }
}
