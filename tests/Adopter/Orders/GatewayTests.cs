using System.Net;
using System.Text.Json.Nodes;

namespace Adopter.Orders;

/// <summary>The gateway in an application that has its own users and policies.</summary>
public sealed class GatewayTests : IAsyncLifetime
{
    private const string Generations = "/v1/generations";

    private static readonly object Question = new
    {
        model = "demo",
        messages = new[] { new { role = "user", content = "Where?" } },
    };

    private RunningOrders _orders = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _orders = await RunningOrders.StartAsync(connectionString: null, "--Gateway", "users");

    public ValueTask DisposeAsync() => _orders.DisposeAsync();

    [Fact]
    public async Task A_generation_is_read_by_the_user_who_began_it_and_nobody_else()
    {
        using var owner = await _orders.SignInAsync("owner");
        using var other = await _orders.SignInAsync("other");
        var stream = await BeginAsync(owner);

        Assert.EndsWith("event: done", await EndOfAsync(owner, stream));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(other, stream));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(other, stream.Replace("/stream", "")));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(_orders.Client, stream));
    }

    [Fact]
    public async Task Where_nobody_signs_in_the_id_of_a_generation_is_the_right_to_read_it()
    {
        await using var open = await RunningOrders.StartAsync(_orders.ConnectionString, "--Gateway", "anybody");
        var stream = await BeginAsync(open.Client);
        Assert.EndsWith("event: done", await EndOfAsync(open.Client, stream));

        // But not what somebody began who did.
        using var owner = await _orders.SignInAsync("owner");
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(open.Client, await BeginAsync(owner)));
    }

    /// <summary>A ticket is bought for topics, and anybody may name any topic.</summary>
    [Fact]
    public async Task A_ticket_reads_its_users_own_generation_and_starts_nothing()
    {
        using var owner = await _orders.SignInAsync("owner");
        using var other = await _orders.SignInAsync("other");
        var stream = await BeginAsync(owner);

        var own = await TicketAsync(owner, "generations.>");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(_orders.Client, $"{stream}?ticket={own}"));
        var foreign = await TicketAsync(other, "generations.>");
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(_orders.Client, $"{stream}?ticket={foreign}"));
        var narrow = await TicketAsync(owner, "orders.7.>");
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(_orders.Client, $"{stream}?ticket={narrow}"));

        using var asked = await _orders.Client.PostAsJsonAsync($"/sse/chat?ticket={own}", Question, Stop);
        Assert.Equal(HttpStatusCode.Forbidden, asked.StatusCode);
    }

    [Theory]
    [InlineData(Generations)]
    [InlineData("/sse/chat")]
    [InlineData("/v1/chat/completions")]
    [InlineData("/v1/messages")]
    public async Task An_invalid_request_is_told_what_is_wrong(string path)
    {
        using var user = await _orders.SignInAsync("user");
        using var answer = await user.PostAsJsonAsync(
            path,
            new
            {
                model = "demo",
                max_tokens = 9,
                messages = "none",
            },
            Stop
        );
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("messages", await answer.Content.ReadAsStringAsync(Stop));
    }

    [Fact]
    public async Task A_vendors_client_gets_its_own_format()
    {
        using var user = await _orders.SignInAsync("user");
        using var answer = await user.PostAsJsonAsync("/v1/chat/completions", Question, Stop);
        var body = await answer.Content.ReadFromJsonAsync<JsonObject>(Stop);
        Assert.Equal("chat.completion", body!["object"]!.GetValue<string>());
    }

    private static async Task<string> BeginAsync(HttpClient client)
    {
        using var begun = await client.PostAsJsonAsync(Generations, Question, Stop);
        Assert.Equal(HttpStatusCode.Created, begun.StatusCode);
        return (await begun.Content.ReadFromJsonAsync<JsonObject>(Stop))!["stream"]!.GetValue<string>();
    }

    private static async Task<string> TicketAsync(HttpClient client, string topic)
    {
        using var issued = await client.PostAsJsonAsync("/stream-tickets", new { topics = new[] { topic } }, Stop);
        return (await issued.Content.ReadFromJsonAsync<JsonObject>(Stop))!["ticket"]!.GetValue<string>();
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, Stop);
        return answer.StatusCode;
    }

    /// <summary>Reads a stream whole, and returns the line of its last event's type.</summary>
    private static async Task<string> EndOfAsync(HttpClient client, string stream) =>
        (await client.GetStringAsync(stream, Stop))
            .Split('\n')
            .Last(line => line.StartsWith("event: ", StringComparison.Ordinal));
}
