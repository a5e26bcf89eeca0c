using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Console;

namespace Adopter.Orders;

/// <summary>Tickets of the adopter's own users, for clients that can send no header.</summary>
public sealed class TicketTests : IAsyncLifetime
{
    private const string Own = "/orders/7/events",
        Customer = "customer-of-7";

    private RunningOrders _orders = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _orders = await RunningOrders.StartAsync();

    public ValueTask DisposeAsync() => _orders.DisposeAsync();

    [Fact]
    public async Task A_ticket_opens_a_stream_of_its_topics_as_its_user_and_resumes_it()
    {
        var path = $"{Own}?ticket={await TicketAsync("orders.7.>")}";
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(Own));

        string last;
        await using (var first = await SseReader.OpenAtAsync(_orders.Server, path))
        {
            await _orders.ChangeAsync("7", "placed");
            await first.WaitForEventsAsync(1);
            last = Assert.Single(first.Events).Id!;
        }

        await _orders.ChangeAsync("7", "paid");

        await using var second = await SseReader.OpenAsync(_orders.Server, path, last);
        await second.WaitForEventsAsync(1);
        Assert.Equal("paid", Assert.Single(second.Events).Event);
    }

    /// <summary>The stream's own policy and code decide for the ticket's user, and the ticket narrows that.</summary>
    [Theory]
    [InlineData("/orders/8/events", ">", HttpStatusCode.NotFound)]
    [InlineData(Own, "orders.8.>", HttpStatusCode.Unauthorized)]
    [InlineData(Own, "orders.7.paid", HttpStatusCode.Unauthorized)]
    [InlineData("/staff/7/events", ">", HttpStatusCode.Unauthorized)]
    [InlineData("/own-steps", ">", HttpStatusCode.Unauthorized)]
    public async Task A_ticket_opens_nothing_that_its_user_or_its_topics_do_not(
        string path,
        string topic,
        HttpStatusCode status
    ) => Assert.Equal(status, await StatusAsync($"{path}?ticket={await TicketAsync(topic)}"));

    [Fact]
    public async Task Only_a_valid_ticket_of_the_same_user_counts()
    {
        var ticket = await TicketAsync("orders.7.>");
        using var other = await _orders.SignInAsync("somebody-else");

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync($"{Own}?ticket={ticket}", other));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync($"{Own}?ticket={ticket}&ticket={ticket}"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync($"{Own}?ticket={ticket[..^4]}AAAA"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync($"{Own}?ticket="));

        // The customer's own cookie does not make a wrong ticket right.
        using var customer = await _orders.SignInAsync(Customer);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync($"{Own}?ticket=x", customer));
    }

    [Fact]
    public async Task The_log_says_why_a_ticket_was_refused()
    {
        var ticket = await TicketAsync(">");
        var lines = new ConcurrentQueue<string>();
        await using var orders = await RunningOrders.StartAsync(
            _orders.ConnectionString,
            "--Logging:LogLevel:Streaming.Tickets",
            "Information"
        );
        var services = orders.App.Services;
        using var log = new LogLines(services.GetServices<ConsoleFormatter>().First(), lines.Enqueue);

        services.GetRequiredService<ILoggerFactory>().AddProvider(log);

        using var answer = await orders.Client.GetAsync($"/staff/7/events?ticket={ticket}", Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Contains(lines, line => line.Contains("another kind of credential", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_ticket_is_for_users_alone_and_buys_no_other_one()
    {
        var body = new { topics = new[] { "orders.7.>" } };
        using var anonymous = await _orders.Client.PostAsJsonAsync("/stream-tickets", body, Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);

        var ticket = await TicketAsync("orders.7.>");
        using var again = await _orders.Client.PostAsJsonAsync($"/stream-tickets?ticket={ticket}", body, Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, again.StatusCode);
    }

    [Theory]
    [InlineData("""{}""", "topics")]
    [InlineData("""{"topics":["orders..7"]}""", "topics")]
    [InlineData("""{"topics":["orders.7.>"],"expiresIn":86401}""", "expiresIn")]
    public async Task A_request_that_is_no_ticket_s_is_refused_with_its_field(string body, string field)
    {
        using var customer = await _orders.SignInAsync(Customer);
        using var content = new StringContent(body, mediaType: new("application/json"));
        using var response = await customer.PostAsync("/stream-tickets", content, Stop);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(field, await response.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_ends_with_its_ticket()
    {
        var path = $"{Own}?ticket={await TicketAsync("orders.7.>", expiresIn: 5)}";
        await using var stream = await SseReader.OpenAtAsync(_orders.Server, path);

        await stream.WaitAsync(reader => IsUnauthorized(reader, "expired"));
        // The ticket ends by the time of day, the stream by a clock that nobody sets.
        await Eventually.HoldsAsync(async () => await StatusAsync(path) == HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_ticket_has_one_stream_the_newest_on_any_process()
    {
        var path = $"{Own}?ticket={await TicketAsync("orders.7.>")}";
        await using var other = await RunningOrders.StartAsync(_orders.ConnectionString);

        await using var first = await SseReader.OpenAtAsync(_orders.Server, path);
        await using var second = await SseReader.OpenAtAsync(other.Server, path);
        await first.WaitAsync(reader => IsUnauthorized(reader, "replaced"));

        await _orders.ChangeAsync("7", "paid");
        await second.WaitForEventsAsync(1);
    }

    private static bool IsUnauthorized(SseReader stream, string reason) =>
        stream.Frames.Any(f => f.Event == "unauthorized" && f.Data!.Contains(reason, StringComparison.Ordinal));

    private async Task<string> TicketAsync(string topic, int expiresIn = 60)
    {
        using var customer = await _orders.SignInAsync(Customer);
        using var response = await customer.PostAsJsonAsync(
            "/stream-tickets",
            new { topics = new[] { topic }, expiresIn },
            Stop
        );
        response.EnsureSuccessStatusCode();

        var issued = await response.Content.ReadFromJsonAsync<JsonObject>(Stop);
        return issued!["ticket"]!.GetValue<string>();
    }

    private async Task<HttpStatusCode> StatusAsync(string path, HttpClient? client = null)
    {
        using var response = await (client ?? _orders.Client).GetAsync(
            path,
            HttpCompletionOption.ResponseHeadersRead,
            Stop
        );
        return response.StatusCode;
    }
}
