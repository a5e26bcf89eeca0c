using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Integration.Seeds;

public sealed class OpenApiTests(AssemblyWide<SeedSystem> shared) : IClassFixture<AssemblyWide<SeedSystem>>
{
    [Fact]
    public async Task Every_stream_lists_its_events_with_their_schemas()
    {
        var document = await Requests.GetAsync(shared.World.A, "/openapi/v1.json");

        var streams = document
            .GetProperty("paths")
            .EnumerateObject()
            .SelectMany(p => p.Value.EnumerateObject().Select(o => (Path: p.Name, Operation: o.Value)))
            .Where(o =>
                o.Path.Contains("stream", StringComparison.Ordinal) && o.Path != "/v1/stream-tickets"
                || o.Path.StartsWith("/sse/", StringComparison.Ordinal)
                    && !o.Path.EndsWith("/failure", StringComparison.Ordinal)
            )
            .ToList();
        Assert.True(streams.Count > 20);
        Assert.All(
            streams,
            stream =>
            {
                Assert.True(stream.Operation.TryGetProperty("x-sse-events", out var events), stream.Path);
                Assert.All(
                    events.EnumerateArray(),
                    e => Assert.Equal(JsonValueKind.Object, e.GetProperty("data").ValueKind)
                );
                Assert.True(
                    stream
                        .Operation.GetProperty("responses")
                        .GetProperty("200")
                        .GetProperty("content")
                        .TryGetProperty("text/event-stream", out _),
                    stream.Path
                );
            }
        );
    }

    [Fact]
    public async Task Every_stream_that_GET_opens_is_opened_by_POST_with_the_same_events()
    {
        var document = await Requests.GetAsync(shared.World.A, "/openapi/v1.json");
        var streams = document
            .GetProperty("paths")
            .EnumerateObject()
            .Where(path => path.Value.TryGetProperty("get", out var get) && get.TryGetProperty("x-sse-events", out _))
            .ToList();

        Assert.True(streams.Count > 10);
        Assert.All(
            streams,
            stream =>
            {
                Assert.True(stream.Value.TryGetProperty("post", out var post), stream.Name);
                Assert.Equal(Events(stream.Value.GetProperty("get")), Events(post));
                Assert.True(post.TryGetProperty("requestBody", out _), stream.Name);
            }
        );

        static string Events(JsonElement operation) => operation.GetProperty("x-sse-events").GetRawText();
    }

    [Fact]
    public async Task The_document_names_the_server_that_was_asked_and_is_sent_again_only_if_it_differs()
    {
        using var http = new HttpClient();
        using var first = await AskAsync(null, null);
        Assert.Equal(shared.World.A.ToString(), await ServerAsync(first));
        var tag = first.Headers.ETag!;
        using var same = await AskAsync(tag, null);
        Assert.Equal(HttpStatusCode.NotModified, same.StatusCode);
        using var other = await AskAsync(tag, "localhost:81");
        Assert.Equal("http://localhost:81/", await ServerAsync(other));

        async Task<HttpResponseMessage> AskAsync(EntityTagHeaderValue? known, string? host)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(shared.World.A, "/openapi/v1.json"));
            request.Headers.Host = host;
            if (known is not null)
                request.Headers.IfNoneMatch.Add(known);
            return await http.SendAsync(request);
        }

        static async Task<string?> ServerAsync(HttpResponseMessage response) =>
            (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("servers")[0].Text("url");
    }

    [Fact]
    public async Task Bodies_are_described_and_resume_is_promised_only_for_streams_with_ids()
    {
        var paths = (await Requests.GetAsync(shared.World.A, "/openapi/v1.json")).GetProperty("paths");
        foreach (var path in (string[])["/v1/events", "/v1/events/stream", "/stream", "/chat/stream", "/tasks"])
            Assert.True(paths.GetProperty(path).GetProperty("post").TryGetProperty("requestBody", out _), path);
        Assert.True(
            paths.GetProperty("/v1/events").GetProperty("post").GetProperty("responses").TryGetProperty("202", out _)
        );
        Assert.Contains(
            "resync",
            paths.GetProperty("/sse/events").GetProperty("get").GetProperty("x-sse-events").GetRawText(),
            StringComparison.Ordinal
        );

        foreach (
            var (path, method, absent) in ((string, string, string)[])
                [
                    ("/sse/chat", "post", "last_event_id"),
                    ("/v1/connections/stream", "get", "last_event_id"),
                    ("/v1/connections/stream", "get", "resync"),
                    ("/v1/connections/stream", "get", "named"),
                    ("/v1/events/stream", "get", "\"named\""),
                ]
        )
            Assert.DoesNotContain(
                absent,
                paths.GetProperty(path).GetProperty(method).GetRawText(),
                StringComparison.Ordinal
            );

        Assert.Contains("\"named\"", paths.GetProperty("/sse/events").GetRawText(), StringComparison.Ordinal);
        Assert.True(
            paths
                .GetProperty("/v1/events")
                .GetProperty("post")
                .GetProperty("requestBody")
                .GetProperty("content")
                .TryGetProperty("application/x-ndjson", out _)
        );

        var sent = paths.GetProperty("/sse/events").GetProperty("get").GetProperty("x-sse-events").EnumerateArray();
        Assert.Equal(["tick", "resync", "skipped", "error", "unauthorized"], sent.Select(e => e.Text("event")));
    }

    [Theory]
    [InlineData("/v1/chat/completions", "chat.completion.chunk", "error")]
    [InlineData(
        "/v1/messages",
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error"
    )]
    public async Task The_vendors_endpoints_list_their_frames_beside_the_whole_answer(
        string path,
        params string[] frames
    )
    {
        var operation = (await Requests.GetAsync(shared.World.A, "/openapi/v1.json"))
            .GetProperty("paths")
            .GetProperty(path)
            .GetProperty("post");
        var content = operation.GetProperty("responses").GetProperty("200").GetProperty("content");
        Assert.True(content.TryGetProperty("text/event-stream", out _));
        Assert.True(content.TryGetProperty("application/json", out _));
        Assert.Equal(frames, operation.GetProperty("x-sse-events").EnumerateArray().Select(e => e.Text("event")));
        Assert.All(
            operation.GetProperty("x-sse-events").EnumerateArray(),
            e => Assert.Equal(JsonValueKind.Object, e.GetProperty("data").ValueKind)
        );
        Assert.True(operation.TryGetProperty("requestBody", out _));
        Assert.DoesNotContain("last_event_id", operation.GetRawText(), StringComparison.Ordinal);
        Assert.True(
            operation
                .GetProperty("responses")
                .GetProperty("default")
                .GetProperty("content")
                .TryGetProperty("application/json", out _)
        );
    }

    [Fact]
    public async Task Every_parameter_of_a_path_is_described()
    {
        var document = await Requests.GetAsync(shared.World.A, "/openapi/v1.json");
        foreach (var path in document.GetProperty("paths").EnumerateObject())
        foreach (var operation in path.Value.EnumerateObject())
        foreach (var name in path.Name.Split('{').Skip(1).Select(p => p[..p.IndexOf('}')]))
            Assert.Contains(
                operation.Value.GetProperty("parameters").EnumerateArray(),
                p => p.Text("name") == name && p.Text("in") == "path"
            );
    }
}
