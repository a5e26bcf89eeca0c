using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Harness.Worlds;

namespace Browser;

/// <summary>The system's API as another program uses it, to compare the pages with it.</summary>
internal sealed class Api(Uri address) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = address };

    public static string Topic() => $"test.{Guid.NewGuid():N}";

    public async Task PublishAsync(string topic, object data, string type = "said")
    {
        using var response = await _http.PostAsJsonAsync(
            "/v1/events",
            new
            {
                topic,
                type,
                data,
            }
        );
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
    }

    /// <summary>Publishes <c>{"n":0}</c> and the following in one request. Returns the position of the last
    /// one.</summary>
    public async Task<string> PublishManyAsync(string topic, int count)
    {
        using var response = await _http.PostAsJsonAsync(
            "/v1/events",
            Enumerable
                .Range(0, count)
                .Select(n => new
                {
                    topic,
                    type = "said",
                    data = new { n },
                })
        );
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);

        var published = (await response.Content.ReadFromJsonAsync<JsonObject>())!["events"]!.AsArray();
        return published[^1]!["position"]!.GetValue<string>();
    }

    /// <summary>Waits until every replica has read the log up to a position: a stream that starts at the head of any of
    /// them then starts after it.</summary>
    public Task ReachedAsync(string position) =>
        Eventually.HoldsAsync(async () =>
            (await ReplicasAsync()).All(r => NumberOf(r["head"]!.GetValue<string>()) >= NumberOf(position))
        );

    /// <summary>Waits until the log has an event of a topic, after a position, with this text.</summary>
    public Task LoggedAsync(string topic, string after, string text) =>
        Eventually.HoldsAsync(async () =>
            (await _http.GetStringAsync($"/v1/events?topic={topic}&after={after}&limit=1000")).Contains(
                text,
                StringComparison.Ordinal
            )
        );

    private static long NumberOf(string position) =>
        long.Parse(position[(position.LastIndexOf('-') + 1)..], CultureInfo.InvariantCulture);

    /// <summary>The open connections of all replicas: asks again while one of them does not answer.</summary>
    public async Task<IReadOnlyList<JsonNode>> ConnectionsAsync(string topic)
    {
        JsonObject listing = [];
        await Eventually.HoldsAsync(async () =>
        {
            listing = (await _http.GetFromJsonAsync<JsonObject>($"/v1/connections?filter={topic}"))!;
            return listing["partial"] is null;
        });

        return [.. listing["connections"]!.AsArray().Select(c => c!)];
    }

    /// <param name="replica">Address of the replica that answers, or null for any.</param>
    public async Task<IReadOnlyList<JsonNode>> ReplicasAsync(Uri? replica = null) =>
        [.. (await _http.GetFromJsonAsync<JsonArray>(new Uri(replica ?? address, "/v1/replicas")))!.Select(r => r!)];

    public async Task CreateTaskAsync(string title) =>
        (await _http.PostAsJsonAsync("/tasks", new { title })).EnsureSuccessStatusCode().Dispose();

    public async Task MoveTaskAsync(string title, string status) =>
        (await _http.PutAsync($"/tasks/status/{(await TaskAsync(title))["id"]}?new_status={status}", null))
            .EnsureSuccessStatusCode()
            .Dispose();

    public async Task<string> TaskStatusAsync(string title) => (await TaskAsync(title))["status"]!.GetValue<string>();

    public async Task<IReadOnlyList<JsonNode>> PetsAsync() =>
        [.. (await _http.GetFromJsonAsync<JsonArray>("/v1/pets"))!.Select(p => p!)];

    public async Task ChangePetAsync(string id, object change) =>
        (await _http.PatchAsJsonAsync($"/v1/pets/{id}", change)).EnsureSuccessStatusCode().Dispose();

    public async Task OrderAsync(string petId, string userId) =>
        (await _http.PostAsJsonAsync("/v1/orders", new { petId, userId })).EnsureSuccessStatusCode().Dispose();

    private async Task<JsonNode> TaskAsync(string title) =>
        (await _http.GetFromJsonAsync<JsonArray>("/tasks"))!.Single(t => t!["title"]!.GetValue<string>() == title)!;

    public async Task CloseAsync(string topic)
    {
        foreach (var connection in await ConnectionsAsync(topic))
            await Eventually.HoldsAsync(async () =>
            {
                using var response = await _http.DeleteAsync($"/v1/connections/{connection["id"]}");
                return response.StatusCode != HttpStatusCode.ServiceUnavailable; // its replica did not answer
            });
    }

    /// <summary>An open stream whose headers have been read.</summary>
    public Task<SseReader> SubscribeAsync(string topic) =>
        SseReader.OpenAsync(address, $"/v1/events/stream?topic={topic}");

    /// <summary>Resumes at a replica after an id, and leaves.</summary>
    public static async Task ResumeAsync(Uri replica, string topic, string lastId)
    {
        await using var reader = await SseReader.OpenAsync(replica, $"/v1/events/stream?topic={topic}", lastId);
    }

    /// <summary>Many open streams of one topic, each only a socket.</summary>
    public static async Task<IReadOnlyList<Socket>> SubscribeManyAsync(Uri replica, string topic, int count)
    {
        var request = System.Text.Encoding.ASCII.GetBytes(
            $"GET /v1/events/stream?topic={topic} HTTP/1.1\r\nHost: {replica.Authority}\r\n"
                + "Accept: text/event-stream\r\n\r\n"
        );
        var sockets = new List<Socket>(count);

        for (var i = 0; i < count; i++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(socket);
            await socket.ConnectAsync(replica.Host, replica.Port);
            await socket.SendAsync(request);
        }

        return sockets;
    }

    /// <summary>The server's state of a generation.</summary>
    public async Task<JsonNode> GenerationAsync(string id) =>
        (await _http.GetFromJsonAsync<JsonObject>($"/v1/generations/{id}"))!;

    /// <summary>Creates a complete answer and returns its id.</summary>
    public async Task<string> AnswerAsync(string question)
    {
        using var response = await _http.PostAsJsonAsync(
            "/v1/generations",
            new { messages = new[] { new { role = "user", content = question } } }
        );
        var id = (await response.Content.ReadFromJsonAsync<JsonObject>())!["id"]!.GetValue<string>();
        (await _http.GetAsync($"/v1/generations/{id}/stream")).Dispose(); // read to its end

        return id;
    }

    /// <summary>Creates a session with this message and returns its id.</summary>
    public async Task<string> SessionAsync(string message)
    {
        using var created = await _http.PostAsync("/session", null);
        var id = (await created.Content.ReadFromJsonAsync<JsonObject>())!["session_id"]!.GetValue<string>();
        (await _http.PostAsJsonAsync($"/message/{id}", new { content = message })).Dispose();
        return id;
    }

    public void Dispose() => _http.Dispose();
}
