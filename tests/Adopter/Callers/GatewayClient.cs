using System.Net;
using System.Text.Json.Nodes;

namespace Adopter.Callers;

/// <summary>Does with the gateway what a caller does. Each answer is its status.</summary>
internal sealed class GatewayClient(HttpClient http)
{
    public const string Secret = "my-secret-question";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static object Question(string text) =>
        new { model = "demo", messages = new[] { new { role = "user", content = text } } };

    public HttpClient Http => http;

    /// <summary>Begins a generation, and returns its path.</summary>
    public async Task<string> GenerateAsync(string? key = null)
    {
        using var answer = await TryGenerateAsync(key);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var body = await answer.Content.ReadFromJsonAsync<JsonObject>(Stop);
        return $"/v1/generations/{body!["id"]!.GetValue<string>()}";
    }

    public Task<HttpResponseMessage> TryGenerateAsync(string? key = null) =>
        SendAsync(HttpMethod.Post, "/v1/generations", Question(Secret), key);

    /// <summary>Begins a session, and returns its id.</summary>
    public async Task<string> BeginSessionAsync(string? key = null)
    {
        using var answer = await SendAsync(HttpMethod.Post, "/session", body: null, key);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<JsonObject>(Stop))!["session_id"]!.GetValue<string>();
    }

    /// <summary>Asks an agent, and returns the ids of the answer's frames.</summary>
    public async Task<string[]> AskAsync()
    {
        var stream = await http.GetStringAsync($"/stream?prompt={Secret}", Stop);
        Assert.Contains(Secret, stream, StringComparison.Ordinal);
        return
        [
            .. stream.Split('\n').Where(line => line.StartsWith("id: ", StringComparison.Ordinal)).Select(l => l[4..]),
        ];
    }

    /// <summary>Continues an answer after an id, and returns what came.</summary>
    public async Task<string> ContinueAsync(string id)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/stream?prompt=other");
        request.Headers.Add("Last-Event-ID", id);
        using var answer = await http.SendAsync(request, Stop);
        return await answer.Content.ReadAsStringAsync(Stop);
    }

    /// <summary>Sends a body, and returns the whole answer.</summary>
    public async Task<string> TextAsync(string path, object body)
    {
        using var answer = await http.PostAsJsonAsync(path, body, Stop);
        var text = await answer.Content.ReadAsStringAsync(Stop);
        Assert.True(answer.IsSuccessStatusCode, text);
        return text;
    }

    /// <summary>Begins an answer in a chat that runs until the test has ended, or reads it again, and leaves after its
    /// question. Returns all that came.</summary>
    public async Task<string> ChatAsync(string chat, bool again = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/chat/{chat}/stream");
        if (!again)
        {
            request.Method = HttpMethod.Post;
            request.RequestUri = new Uri("/api/chat", UriKind.Relative);
            request.Content = JsonContent.Create(Chat(chat, tokens: 4000));
        }

        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(Stop));
        var text = "";
        while (!text.Contains(Secret, StringComparison.Ordinal) && await lines.ReadLineAsync(Stop) is { } line)
            text += line;
        return text;
    }

    public Task<HttpStatusCode> ReadAsync(string path) => StatusAsync(HttpMethod.Get, path);

    public Task<HttpStatusCode> CancelAsync(string path) => StatusAsync(HttpMethod.Delete, path);

    public Task<HttpStatusCode> SayAsync(string session) =>
        StatusAsync(HttpMethod.Post, $"/message/{session}", new { content = "Hello" });

    public async Task<string> TicketAsync(string topic)
    {
        using var issued = await http.PostAsJsonAsync("/stream-tickets", new { topics = new[] { topic } }, Stop);
        return (await issued.Content.ReadFromJsonAsync<JsonObject>(Stop))!["ticket"]!.GetValue<string>();
    }

    /// <summary>A message of AI SDK's client.</summary>
    public static object Chat(string id, string text = Secret, int tokens = 20) =>
        new
        {
            id,
            trigger = "submit-message",
            max_tokens = tokens,
            messages = new[]
            {
                new
                {
                    id = "m",
                    role = "user",
                    parts = new[] { new { type = "text", text } },
                },
            },
        };

    /// <summary>A run of AG-UI's client.</summary>
    public static object Run(string runId, string content = Secret) =>
        new
        {
            threadId = "thread",
            runId,
            messages = new[]
            {
                new
                {
                    id = "m",
                    role = "user",
                    content,
                },
            },
            forwardedProps = new { max_tokens = 20 },
        };

    private async Task<HttpStatusCode> StatusAsync(HttpMethod method, string path, object? body = null)
    {
        using var answer = await SendAsync(method, path, body, key: null);
        return answer.StatusCode;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body, string? key)
    {
        using var request = new HttpRequestMessage(method, path)
        {
            Content = body is null ? null : JsonContent.Create(body),
        };
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
    }
}
