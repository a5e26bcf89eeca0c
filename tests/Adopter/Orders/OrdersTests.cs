using System.Net;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Adopter.Orders;

/// <summary>An application that sees only what is public, with a Postgres and neither Redis nor Broadcaster.</summary>
public sealed class OrdersTests : IAsyncLifetime
{
    /// <summary>A token, but no topic of an order can have it.</summary>
    private const string TooLong =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    private RunningOrders _orders = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _orders = await RunningOrders.StartAsync();

    public ValueTask DisposeAsync() => _orders.DisposeAsync();

    [Fact]
    public async Task A_stream_gets_what_is_appended_and_resumes_after_its_last_id_without_a_gap()
    {
        Frame placed;
        await using (var first = await SseReader.OpenAtAsync(_orders.Server, "/public/7"))
        {
            await _orders.ChangeAsync("7", "placed");
            await _orders.ChangeAsync("8", "placed");
            await first.WaitForEventsAsync(1);
            placed = Assert.Single(first.Events);
            Assert.Equal(("placed", """{"id":"7","state":"placed"}"""), (placed.Event, placed.Data));
        }

        await _orders.ChangeAsync("7", "paid");
        await _orders.ChangeAsync("7", "shipped");

        await using var second = await SseReader.OpenAsync(_orders.Server, "/public/7", placed.Id);
        await second.WaitForEventsAsync(2);
        Assert.Equal(["paid", "shipped"], second.Events.Select(e => e.Event));
        Assert.Empty(second.Resyncs);
    }

    [Fact]
    public async Task Events_of_another_process_arrive_through_the_log_alone()
    {
        await using var reader = await RunningOrders.StartAsync(_orders.ConnectionString);

        await using var stream = await SseReader.OpenAtAsync(reader.Server, "/public/7");

        foreach (var state in (string[])["placed", "paid", "shipped"])
            await _orders.ChangeAsync("7", state);

        await stream.WaitForEventsAsync(3);
        Assert.Equal(["placed", "paid", "shipped"], stream.Events.Select(e => e.Event));
    }

    [Fact]
    public async Task Events_of_another_process_arrive_through_Redis_if_it_has_one()
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        var redis = Redis(database.Database!);
        await using var publisher = await RunningOrders.StartAsync(database.ConnectionString, redis);
        await using var reader = await RunningOrders.StartAsync(database.ConnectionString, redis);
        await Eventually.HoldsAsync(async () => await FeedAsync() == HealthStatus.Healthy);

        await using var stream = await SseReader.OpenAtAsync(reader.Server, "/public/7");
        await publisher.ChangeAsync("7", "placed");
        await stream.WaitForEventsAsync(1);
        Assert.Equal(HealthStatus.Healthy, await FeedAsync());

        async Task<HealthStatus> FeedAsync() =>
            (await reader.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Stop))
                .Entries["sse-feed"]
                .Status;

        static string[] Redis(string channel) =>
            ["--ConnectionStrings:redis", Stores.Shared.Redis, "--AspireSse:EventStore:Channel", channel];
    }

    /// <summary>Without a Broadcaster the application moves the outbox itself, under the same lease.</summary>
    [Fact]
    public async Task Events_of_the_outbox_enter_the_log_without_a_Broadcaster()
    {
        await using var other = await RunningOrders.StartAsync(_orders.ConnectionString);
        await using var stream = await SseReader.OpenAtAsync(other.Server, "/public/7");

        await using var scope = _orders.App.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OrdersDb>();
        db.Publish("orders.7.paid", "paid", new { });
        await db.SaveChangesAsync(Stop);

        await stream.WaitForEventsAsync(1);
        Assert.Equal("paid", Assert.Single(stream.Events).Event);
    }

    [Fact]
    public async Task An_application_brings_its_own_schema_and_without_it_says_so()
    {
        var database = await Stores.Shared.CreateDatabaseAsync(Stop);
        await using var without = RunningOrders.Build(database.ConnectionString);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => without.StartAsync(Stop));

        Assert.Contains("EnsureSchemaAsync", error.Message, StringComparison.Ordinal);

        await using (var migrating = RunningOrders.Build(database.ConnectionString))
            await migrating.EnsureSchemaAsync(Stop);

        await using var with = await RunningOrders.StartAsync(database.ConnectionString);
    }

    [Fact]
    public void An_empty_connection_string_is_named_by_the_error()
    {
        var error = Assert.Throws<InvalidOperationException>(() => RunningOrders.Build(connectionString: ""));
        Assert.Contains("ConnectionStrings__orders", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("*")]
    [InlineData("%3E")]
    [InlineData("a.b")]
    [InlineData("7.placed")]
    [InlineData("%20")]
    [InlineData("%2A.%3E")]
    [InlineData(TooLong)]
    public async Task A_hole_that_is_not_one_token_is_not_found_and_never_other_orders(string id)
    {
        using var response = await _orders.Client.GetAsync($"/public/{id}", Stop);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task A_stream_without_a_policy_is_refused_and_says_what_to_call()
    {
        using var response = await _orders.Client.GetAsync("/unguarded", Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Contains(
            "RequireAuthorization",
            await response.Content.ReadAsStringAsync(Stop),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task The_endpoint_s_own_policy_and_results_decide_who_reads()
    {
        using var anonymous = await _orders.Client.GetAsync("/orders/7/events", Stop);
        Assert.NotEqual(HttpStatusCode.OK, anonymous.StatusCode);

        using var signedIn = await _orders.Client.PostAsync("/sign-in/customer-of-7", content: null, Stop);
        using var foreign = await _orders.Client.GetAsync("/orders/8/events", Stop);
        Assert.Equal(HttpStatusCode.NotFound, foreign.StatusCode);

        await using var own = await SseReader.OpenAsync(_orders.Server, "/orders/7/events", client: _orders.Client);
        await _orders.ChangeAsync("7", "paid");
        await own.WaitForEventsAsync(1);
    }

    [Fact]
    public async Task Several_topics_are_one_stream_with_types_and_a_format()
    {
        await using var stream = await SseReader.OpenAtAsync(_orders.Server, "/shipped-or-paid/7");

        foreach (var state in (string[])["placed", "paid", "refunded", "shipped"])
            await _orders.ChangeAsync("7", state);

        await stream.WaitForEventsAsync(2);
        Assert.Equal(["paid", "shipped"], stream.Events.Select(e => e.Event));
        Assert.Contains("\"topic\":\"orders.7.paid\"", stream.Events.First().Data, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("from=yesterday")]
    [InlineData("slow=maybe")]
    public async Task A_query_that_no_stream_knows_is_refused_with_its_field(string query)
    {
        using var response = await _orders.Client.GetAsync($"/public/7?{query}", Stop);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(query.Split('=')[0], await response.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
    }

    [Fact]
    public void The_endpoint_describes_itself_to_OpenAPI()
    {
        var endpoint = _orders
            .App.Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Single(e => e.RoutePattern.RawText == "/orders/{id}/events");
        var answers = endpoint.Metadata.GetOrderedMetadata<IProducesResponseTypeMetadata>();
        Assert.Contains(answers, a => a.StatusCode == 200 && a.ContentTypes.Contains("text/event-stream"));
        Assert.Contains(answers, a => a.StatusCode == StatusCodes.Status404NotFound);
    }

    [Fact]
    public void Without_an_event_log_the_error_names_what_to_call()
    {
        var builder = WebApplication.CreateBuilder();
        var error = Assert.Throws<InvalidOperationException>(() => builder.AddSse());
        Assert.Contains("AddEventStore", error.Message, StringComparison.Ordinal);
    }
}
