using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Integration.Seeds;

public sealed class OpenApiTests(AssemblyWide<SeedSystem> shared) : SeedTests(shared)
{
    private const string Stream = "text/event-stream",
        Events = "x-sse-events";

    private async Task<JsonElement> PathsAsync() => (await SeedRequests.GetAsync(A, "/openapi/v1.json")).At("paths");

    [Fact]
    public async Task Every_stream_lists_its_events_with_their_schemas()
    {
        var streams = (await PathsAsync())
            .EnumerateObject()
            .SelectMany(p => p.Value.EnumerateObject().Select(o => (Path: p.Name, Operation: o.Value)))
            .Where(o =>
                o.Path.Contains("stream", StringComparison.Ordinal)
                    && o.Path is not ("/v1/stream-tickets" or "/api/chat/{id}/stream")
                || o.Path.StartsWith("/sse/", StringComparison.Ordinal)
                    && !o.Path.EndsWith("/failure", StringComparison.Ordinal)
            )
            .ToList();
        Assert.True(streams.Count > 20);
        Assert.All(
            streams,
            stream =>
            {
                AssertEvents(stream.Operation);
                Assert.True(stream.Operation.Has("responses.200.content", Stream), stream.Path);
            }
        );
    }

    [Fact]
    public async Task A_stream_lists_begin_exactly_if_it_sends_that_first()
    {
        var streams = (await PathsAsync())
            .EnumerateObject()
            .Where(path => path.Value.TryGetProperty("get", out var get) && get.TryGetProperty(Events, out _))
            // AI SDK's own, which sends none of this server's events.
            .Where(path => path.Name != "/api/chat/{id}/stream");

        foreach (var stream in streams)
        {
            await using var reader = await SseReader.OpenAsync(A, await AddressOfAsync(stream.Name));
            await reader.WaitAsync(r => r.Frames.Any(f => f.Data is not null));
            var first = reader.Frames.First(f => f.Data is not null);
            var begin = stream.Value.Items("get." + Events).Where(e => e.Text("event") == "begin").ToList();

            Assert.Equal((stream.Name, first.Event == "begin"), (stream.Name, begin.Count == 1));
            if (begin.Count > 0)
                AssertSchema(begin[0], first);
        }
    }

    [Fact]
    public async Task Every_event_of_a_stream_that_a_stopping_server_ends_is_listed()
    {
        await using var system = await World.Start(o =>
            o.Set(SeedSystem.Quick)
                .Set("AspireSse:Runs:DrainSeconds", 1)
                .Set("AspireSse:Llm:Providers:Demo:TokensPerSecond", 20)
        );
        var replica = system.Replicas[0];
        using var body = JsonContent.Create(
            new { messages = new[] { new { role = "user", content = "x" } }, max_tokens = 4_000 }
        );
        (string Path, SseReader Reader)[] streams =
        [
            await OpenAsync("/v1/events/stream"),
            await OpenAsync("/v1/inventory/stream"),
            await OpenAsync("/v1/connections/stream"),
            await OpenAsync("/sse/events"),
            await OpenAsync("/sse/resilient/{session_id}"),
            await OpenAsync("/sse/chat", body),
        ];
        var paths = await PathsAsync();

        foreach (var (_, reader) in streams)
            await reader.WaitAsync(r => r.Frames.Any(f => f.Data is not null));
        await replica.StopAsync(TestContext.Current.CancellationToken);

        foreach (var (path, reader) in streams)
        {
            await reader.WaitForEndAsync();
            var listed = paths.At($"{path}.post").Items(Events).ToDictionary(e => e.Text("event")!);
            var last = reader.Frames.Last(f => f.Data is not null);

            Assert.Equal((path, "position"), (path, last.Event));
            // One stream has the events of all topics, also those of the answer.
            if (!listed.ContainsKey("*"))
                Assert.Empty(reader.Frames.Select(f => f.Event).OfType<string>().Except(listed.Keys));
            AssertSchema(listed["position"], last);
            await reader.DisposeAsync();
        }

        async Task<(string Path, SseReader Reader)> OpenAsync(string path, HttpContent? content = null)
        {
            var method = content is null ? HttpMethod.Get : HttpMethod.Post;
            var address = path.Replace("{session_id}", "listed", StringComparison.Ordinal);
            return (path, await SseReader.OpenAsync(replica.Url, address, method: method, body: content));
        }
    }

    [Fact]
    public async Task A_parameter_with_any_number_of_values_is_a_list()
    {
        var paths = await PathsAsync();

        foreach (
            var (operation, name) in ((string, string)[])
                [
                    ("/v1/events/stream.get", "topic"),
                    ("/v1/events/stream.get", "type"),
                    ("/v1/events/stream.get", "key"),
                    ("/v1/events/stream.post", "topic"),
                    ("/v1/events.get", "topic"),
                    ("/v1/events.get", "type"),
                    ("/v1/events.get", "key"),
                    ("/events/stream.get", "types"),
                ]
        )
        {
            var parameter = paths.At(operation).Items("parameters").Single(p => p.Text("name") == name);
            Assert.Equal((name, "array"), (name, parameter.Text("schema.type")));
            Assert.Equal("string", parameter.Text("schema.items.type"));
            // Without them, form and true of a parameter of a query.
            Assert.False(parameter.TryGetProperty("style", out var style) && style.GetString() != "form");
            Assert.False(parameter.TryGetProperty("explode", out var explode) && !explode.GetBoolean());
        }

        var limit = paths.At("/v1/events.get").Items("parameters").Single(p => p.Text("name") == "limit");
        Assert.Equal("string", limit.Text("schema.type"));
        var members = "requestBody.content.application/json.schema.properties";
        Assert.Equal("array", paths.At("/events/stream.post").Text(members + ".types.type"));
    }

    [Fact]
    public async Task Every_stream_that_GET_opens_is_opened_by_POST_with_the_same_events()
    {
        var streams = (await PathsAsync())
            .EnumerateObject()
            .Where(path => path.Value.TryGetProperty("get", out var get) && get.TryGetProperty(Events, out _))
            // AI SDK's own, whose client opens it by GET alone.
            .Where(path => path.Name != "/api/chat/{id}/stream")
            .ToList();
        Assert.True(streams.Count > 10);
        Assert.All(
            streams,
            stream =>
            {
                Assert.True(stream.Value.TryGetProperty("post", out var post), stream.Name);
                Assert.Equal(stream.Value.At("get").At(Events).GetRawText(), post.At(Events).GetRawText());
                Assert.True(post.TryGetProperty("requestBody", out _), stream.Name);
            }
        );
    }

    [Fact]
    public async Task The_document_names_the_server_that_was_asked_and_is_sent_again_only_if_it_differs()
    {
        using var http = new HttpClient();
        using var first = await AskAsync(null, null);
        Assert.Equal(A.ToString(), await ServerAsync(first));

        var tag = first.Headers.ETag!;
        using var same = await AskAsync(tag, null);
        Assert.Equal(HttpStatusCode.NotModified, same.StatusCode);

        using var other = await AskAsync(tag, "localhost:81");
        Assert.Equal("http://localhost:81/", await ServerAsync(other));

        async Task<HttpResponseMessage> AskAsync(EntityTagHeaderValue? known, string? host)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(A, "/openapi/v1.json"));
            request.Headers.Host = host;
            if (known is not null)
                request.Headers.IfNoneMatch.Add(known);
            return await http.SendAsync(request);
        }

        static async Task<string?> ServerAsync(HttpResponseMessage response) =>
            (await response.JsonAsync()).GetProperty("servers")[0].Text("url");
    }

    [Fact]
    public async Task Bodies_are_described_and_resume_is_promised_only_for_streams_with_ids()
    {
        var paths = await PathsAsync();

        foreach (var path in (string[])["/v1/events", "/v1/events/stream", "/stream", "/chat/stream", "/tasks"])
            Assert.True(paths.Has(path + ".post", "requestBody"), path);

        Assert.True(paths.Has("/v1/events.post.responses", "202"));
        Assert.True(paths.Has("/v1/events.post.requestBody.content", "application/x-ndjson"));
        Assert.Contains("\"named\"", paths.At("/sse/events").GetRawText(), StringComparison.Ordinal);
        Assert.Equal(
            ["tick", "begin", "position", "resync", "skipped", "error", "unauthorized"],
            paths.At("/sse/events.get").Items(Events).Select(e => e.Text("event"))
        );

        foreach (
            var (operation, absent) in ((string, string)[])
                [
                    ("/sse/chat.post", "last_event_id"),
                    ("/v1/connections/stream.get", "last_event_id"),
                    ("/v1/connections/stream.get", "resync"),
                    ("/v1/connections/stream.get", "named"),
                    ("/v1/events/stream.get", "\"named\""),
                ]
        )
            Assert.DoesNotContain(absent, paths.At(operation).GetRawText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/chat/completions", "chat.completion.chunk error")]
    [InlineData(
        "/v1/messages",
        "message_start ping content_block_start content_block_delta content_block_stop message_delta message_stop error"
    )]
    public async Task The_vendors_endpoints_list_their_frames_beside_the_whole_answer(string path, string frames)
    {
        var operation = (await PathsAsync()).At(path + ".post");
        Assert.True(operation.Has("responses.200.content", Stream));
        Assert.True(operation.Has("responses.200.content", "application/json"));
        Assert.True(operation.Has("responses.default.content", "application/json"));
        Assert.True(operation.TryGetProperty("requestBody", out _));
        Assert.Equal(frames.Split(' '), operation.Items(Events).Select(e => e.Text("event")));
        AssertEvents(operation);
        Assert.DoesNotContain("last_event_id", operation.GetRawText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/api/chat", "post")]
    [InlineData("/api/chat/{id}/stream", "get")]
    [InlineData("/agents/ag-ui", "post")]
    public async Task Another_protocols_endpoint_that_always_streams_promises_no_whole_answer(
        string path,
        string method
    )
    {
        var operation = (await PathsAsync()).GetProperty(path).GetProperty(method);
        Assert.True(operation.Has("responses.200.content", Stream));
        Assert.False(operation.Has("responses.200.content", "application/json"));
        Assert.NotEmpty(operation.Items(Events));
        AssertEvents(operation);
    }

    [Fact]
    public async Task Every_parameter_of_a_path_is_described()
    {
        foreach (var path in (await PathsAsync()).EnumerateObject())
        foreach (var operation in path.Value.EnumerateObject())
        foreach (var name in path.Name.Split('{').Skip(1).Select(p => p[..p.IndexOf('}')]))
            Assert.Contains(operation.Value.Items("parameters"), p => p.Text("name") == name && p.Text("in") == "path");
    }

    /// <summary>Returns an address of a stream that this path describes, and begins what it shows.</summary>
    private async Task<string> AddressOfAsync(string path) =>
        path switch
        {
            "/stream" => "/stream?prompt=x",
            "/v1/pets/recommendations/stream" => path + "?userId=listed",
            "/sse/resilient/{session_id}" => "/sse/resilient/listed",
            "/v1/orders/{id}/status/stream" => $"/v1/orders/{await OrderAsync()}/status/stream",
            "/stream/{sessionId}" => $"/stream/{await IdAsync("/session", new { }, "session_id")}",
            "/v1/generations/{id}/stream" => $"/v1/generations/{await GenerationAsync()}/stream",
            _ => path,
        };

    private Task<string> OrderAsync() => IdAsync("/v1/orders", new { petId = "019b4150" });

    private Task<string> GenerationAsync() =>
        IdAsync("/v1/generations", new { messages = new[] { new { role = "user", content = "x" } } });

    private async Task<string> IdAsync(string path, object body, string name = "id") =>
        (await SeedRequests.PostAsync(A, path, body)).Text(name)!;

    private static void AssertEvents(JsonElement operation) =>
        Assert.All(operation.Items(Events), e => Assert.Equal(JsonValueKind.Object, e.At("data").ValueKind));

    /// <summary>Asserts that the data of a frame have the members of an event's schema, and no others.</summary>
    private static void AssertSchema(JsonElement listed, Frame frame)
    {
        var schema = listed.At("data");
        Assert.Equal("object", schema.Text("type"));
        var members = schema.TryGetProperty("properties", out var properties) ? properties.EnumerateObject() : default;
        Assert.Equal(members.Select(m => m.Name), frame.Json().EnumerateObject().Select(m => m.Name));
    }
}
