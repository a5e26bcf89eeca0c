using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Integration.Seeds;

namespace Integration.Security;

/// <summary>Requests with a credential, a token or a key, and the checks of their answers.</summary>
internal static class SecureRequests
{
    /// <param name="server">The replica.</param>
    /// <param name="request">Method and path, as in <c>GET /v1/topics</c>.</param>
    /// <param name="credential">A token or a key.</param>
    /// <param name="body">JSON as text, a body of another kind, or an object that is sent as JSON.</param>
    /// <param name="lastId">The last id of a stream that is resumed.</param>
    public static Task<HttpResponseMessage> SendAsync(
        this Uri server,
        string request,
        string? credential = null,
        object? body = null,
        string? lastId = null
    )
    {
        var parts = request.Split(' ', 2);
        var content = body is string json ? Text(json, "application/json") : SeedRequests.ContentOf(body);
        return SeedRequests.SendAsync(server, new HttpMethod(parts[0]), parts[1], content, lastId, credential);
    }

    /// <summary>Returns the first data of a stream, and leaves.</summary>
    /// <inheritdoc cref="SendAsync"/>
    public static async Task<string> FirstAsync(
        this Uri server,
        string request,
        string? credential = null,
        object? body = null
    )
    {
        var stop = TestContext.Current.CancellationToken;
        using var response = await server.SendAsync(request, credential, body);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(stop));

        var line = await lines.ReadLineAsync(stop);
        while (line?.StartsWith("data: ", StringComparison.Ordinal) == false)
            line = await lines.ReadLineAsync(stop);
        return line!;
    }

    /// <summary>Checks the status of an answer, and returns its text: that of a stream is empty.</summary>
    /// <inheritdoc cref="SendAsync"/>
    public static async Task<string> ExpectAsync(
        this Uri server,
        int status,
        string request,
        string? credential = null,
        object? body = null,
        string? lastId = null
    )
    {
        using var response = await server.SendAsync(request, credential, body, lastId);
        var text =
            response.Content.Headers.ContentType?.MediaType == "text/event-stream"
                ? ""
                : await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.True(
            (int)response.StatusCode == status,
            $"{request} is {(int)response.StatusCode}, not {status}.\n{text}"
        );
        return text;
    }

    /// <summary>Returns the status of an answer.</summary>
    /// <inheritdoc cref="SendAsync"/>
    public static async Task<int> StatusAsync(
        this Uri server,
        string request,
        string? credential = null,
        object? body = null
    )
    {
        using var response = await server.SendAsync(request, credential, body);
        return (int)response.StatusCode;
    }

    /// <summary>Returns the JSON of an answer.</summary>
    /// <inheritdoc cref="SendAsync"/>
    public static Task<JsonElement> JsonAsync(
        this Uri server,
        string request,
        string? credential = null,
        object? body = null
    )
    {
        var parts = request.Split(' ', 2);
        return SeedRequests.JsonAsync(server, new HttpMethod(parts[0]), parts[1], body, credential);
    }

    /// <summary>Buys a ticket, for an hour if nothing else is said.</summary>
    public static async Task<string> TicketAsync(
        this Uri server,
        string credential,
        string topic = "orders.a",
        int? expiresIn = null
    )
    {
        var topics = new[] { topic };
        object body = expiresIn is null ? new { topics } : new { topics, expiresIn };
        var ticket = await server.JsonAsync("POST /v1/stream-tickets", credential, body);
        return ticket.GetProperty("ticket").GetString()!;
    }

    public static StringContent Text(string text, string type) =>
        new(text, Encoding.UTF8, new MediaTypeHeaderValue(type));

    /// <summary>A body of one event a line.</summary>
    public static StringContent Lines(params IEnumerable<object> events) =>
        Text(string.Join('\n', events.Select(e => JsonSerializer.Serialize(e))), "application/x-ndjson");
}
