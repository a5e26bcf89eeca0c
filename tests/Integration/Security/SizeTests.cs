using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Harness;

namespace Integration.Security;

/// <summary>Limits of size and speed for the requests and answers of one client.</summary>
public sealed class SizeTests(AssemblyWide<LimitedSystem> shared) : IClassFixture<AssemblyWide<LimitedSystem>>
{
    private static readonly HttpMethod Get = HttpMethod.Get,
        Post = HttpMethod.Post;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Slow-loris: a head or a body that never ends.</summary>
    [Fact]
    public async Task An_endless_request_head_or_body_is_cut_off()
    {
        var server = shared.World.Server;
        Assert.StartsWith(
            "HTTP/1.1 408",
            await RawAsync(server, "GET /alive HTTP/1.1\r\nHost: localhost\r\nX-Slow: "),
            StringComparison.Ordinal
        );
        var body = await RawAsync(
            server,
            "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
                + $"X-Api-Key: {SecureSystem.OperatorKey}\r\nContent-Type: application/json\r\n"
                + "Content-Length: 1000\r\n\r\n{"
        );
        Assert.StartsWith("HTTP/1.1 408", body, StringComparison.Ordinal);
        Assert.DoesNotContain(SecureSystem.OperatorKey, body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bulk_of_lines_that_is_cut_off_keeps_the_lines_before()
    {
        var topic = $"orders.bulk{Guid.NewGuid():N}";
        var line = $$"""{"topic":"{{topic}}","type":"n","data":1}""" + "\n";
        var head =
            "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
            + $"X-Api-Key: {SecureSystem.OperatorKey}\r\nContent-Type: application/x-ndjson\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n";
        var late = await RawAsync(shared.World.Server, $"{head}{line.Length:x}\r\n{line}\r\n40\r\n");
        Assert.StartsWith("HTTP/1.1 408", late, StringComparison.Ordinal);
        Assert.Contains("\"line\":2,\"accepted\":1", late, StringComparison.Ordinal);
        var page = await SecureSystem.JsonAsync(
            shared.World.Server,
            Get,
            $"/v1/events?topic={topic}",
            key: SecureSystem.OperatorKey
        );
        Assert.Equal(1, page.GetProperty("events").GetArrayLength());

        var broken = await RawAsync(shared.World.Server, $"{head}no length\r\n");
        Assert.StartsWith("HTTP/1.1 400", broken, StringComparison.Ordinal);
    }

    /// <summary>A run keeps its prompt after the request; a parser's rows for many small values outweigh
    /// them.</summary>
    [Fact]
    public async Task The_prompt_of_a_run_is_counted_until_its_end_and_a_body_by_its_parsed_size()
    {
        var (server, ida) = (shared.World.Server, Tokens.Of("ida", ["generations.>"], ["generations.>", "orders.>"]));
        // Admitted, and then refused as too many events.
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, await ManyZerosAsync());
        var run = await SecureSystem.JsonAsync(
            server,
            Post,
            "/v1/generations",
            ida,
            new { messages = new[] { new { role = "user", content = new string('x', 1_000_000) } }, maxTokens = 4_000 }
        );
        // 1 MB of zeros takes 7 MB, and the prompt 2 MB: more than 8.4 MB.
        using (var refused = await SendZerosAsync())
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            // A client that sends it again at once does not keep the server busy with receiving it.
            Assert.True(refused.Headers.ConnectionClose);
        }
        await SecureSystem.JsonAsync(
            server,
            HttpMethod.Delete,
            $"/v1/generations/{run.GetProperty("id").GetString()}",
            ida
        );
        await Eventually.HoldsAsync(
            async () => await ManyZerosAsync() == HttpStatusCode.RequestEntityTooLarge,
            "the prompt of an ended run is given back"
        );

        async Task<HttpStatusCode> ManyZerosAsync()
        {
            using var response = await SendZerosAsync();
            return response.StatusCode;
        }

        async Task<HttpResponseMessage> SendZerosAsync()
        {
            using var zeros = new StringContent(
                $"[0{string.Concat(Enumerable.Repeat(",0", 500_000))}]",
                Encoding.UTF8,
                "application/json"
            );
            return await SecureSystem.SendAsync(server, Post, "/v1/events", ida, zeros);
        }
    }

    /// <summary>Delays a large event until the publisher's budget allows it, then accepts it completely.</summary>
    [Fact]
    public async Task A_large_event_waits_until_its_publisher_may_again_and_is_accepted_whole()
    {
        var server = shared.World.Server;
        var (gil, publishing) = (Tokens.Of("gil", publish: ["orders.>"]), Stopwatch.StartNew());
        var large = new EventBody("orders.large", "n", new string('x', 250 * 1024));
        for (var i = 0; i < 2; i++)
            Assert.Equal(
                HttpStatusCode.Accepted,
                await SecureSystem.StatusAsync(server, Post, "/v1/events", gil, large)
            );
        using var lines = new StringContent(
            $"{JsonSerializer.Serialize(large)}\n{JsonSerializer.Serialize(large)}",
            Encoding.UTF8,
            "application/x-ndjson"
        );
        Assert.Equal(HttpStatusCode.Accepted, await SecureSystem.StatusAsync(server, Post, "/v1/events", gil, lines));
        // A thousand kilobytes at 256 per second; the first 256 are accepted at once.
        Assert.InRange(publishing.Elapsed.TotalSeconds, 2.5, 60);
    }

    [Theory]
    [InlineData(1_023, 600)]
    [InlineData(0, 9_600)]
    public async Task Blank_lines_wait_like_events(int spaces, int count)
    {
        var (kim, publishing) = (Tokens.Of($"kim {spaces}", publish: ["orders.>"]), Stopwatch.StartNew());
        var blank = new string(' ', spaces) + '\n';
        using var lines = new StringContent(
            string.Concat(Enumerable.Repeat(blank, count)),
            Encoding.UTF8,
            "application/x-ndjson"
        );
        Assert.Equal(
            HttpStatusCode.Accepted,
            await SecureSystem.StatusAsync(shared.World.Server, Post, "/v1/events", kim, lines)
        );
        // 600 kilobytes at 256 per second; the first 256 are accepted at once.
        Assert.InRange(publishing.Elapsed.TotalSeconds, 1, 60);
    }

    [Fact]
    public async Task What_follows_a_refused_line_waits_like_events_and_the_connection_goes_on()
    {
        var liv = Tokens.Of("liv", publish: ["orders.>"]);
        using var client = new TcpClient();
        await client.ConnectAsync(shared.World.Server.Host, shared.World.Server.Port, Stop);
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        await SendAsync(
            "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
                + $"Authorization: Bearer {liv}\r\nContent-Type: application/x-ndjson\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n5\r\nnone\n\r\n"
        );
        Assert.Equal("HTTP/1.1 400 Bad Request", await reader.ReadLineAsync(Stop));

        var receiving = Stopwatch.StartNew();
        await SendAsync(
            $"{600 * 1_024:x}\r\n{new string('x', 600 * 1_024)}\r\n0\r\n\r\n"
                + "GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n"
        );
        string? line;
        do line = await reader.ReadLineAsync(Stop);
        while (line is not null and not "HTTP/1.1 200 OK");
        Assert.NotNull(line);
        // 600 kilobytes at 256 per second; the first 256 are accepted at once.
        Assert.InRange(receiving.Elapsed.TotalSeconds, 1, 60);

        Task SendAsync(string text) => client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text), Stop).AsTask();
    }

    [Fact]
    public async Task A_ticket_has_at_most_a_hundred_topics()
    {
        foreach (var (topics, expected) in new[] { (100, HttpStatusCode.OK), (101, HttpStatusCode.BadRequest) })
            Assert.Equal(
                expected,
                await SecureSystem.StatusAsync(
                    shared.World.Server,
                    Post,
                    "/v1/stream-tickets",
                    body: new { topics = Enumerable.Range(0, topics).Select(n => $"a{n}") },
                    key: SecureSystem.OperatorKey
                )
            );
    }

    [Fact]
    public async Task Topics_lists_and_bodies_have_their_sizes()
    {
        var server = shared.World.Server;
        var topic = string.Join('.', Enumerable.Repeat("a", 33));

        Assert.Equal(
            HttpStatusCode.BadRequest,
            await SecureSystem.StatusAsync(
                server,
                Post,
                "/v1/events",
                body: new EventBody(topic, "n", 1),
                key: SecureSystem.OperatorKey
            )
        );
        Assert.Equal(
            HttpStatusCode.BadRequest,
            await SecureSystem.StatusAsync(server, Get, "/v1/events?topic=" + topic, key: SecureSystem.OperatorKey)
        );
        Assert.Equal(
            HttpStatusCode.BadRequest,
            await SecureSystem.StatusAsync(
                server,
                Get,
                "/v1/events?" + string.Join('&', Enumerable.Range(0, 101).Select(i => $"topic=a{i}")),
                key: SecureSystem.OperatorKey
            )
        );
        Assert.Equal(
            HttpStatusCode.RequestEntityTooLarge,
            await SecureSystem.StatusAsync(
                server,
                Post,
                "/v1/events",
                body: new EventBody("a.b", "n", new string('x', 1024 * 1024)),
                key: SecureSystem.OperatorKey
            )
        );
        Assert.Equal(
            HttpStatusCode.RequestEntityTooLarge,
            await SecureSystem.StatusAsync(
                server,
                Post,
                "/v1/stream-tickets",
                body: new { topics = new[] { new string('x', 300 * 1024) } },
                key: SecureSystem.OperatorKey
            )
        );
    }

    /// <summary>Each value becomes an object, and in a stream's body a part of its query, which takes many times its
    /// bytes.</summary>
    [Theory]
    [InlineData("/v1/events/stream", 1_300)]
    [InlineData("/sse/events", 1_000)]
    [InlineData("/v1/orders", 16_384)]
    public async Task A_body_of_few_fields_has_a_maximum_of_values(string path, int most)
    {
        using var refused = await SecureSystem.SendAsync(
            shared.World.Server,
            Post,
            path,
            key: SecureSystem.OperatorKey,
            body: Enumerable.Range(0, most).ToDictionary(n => n.ToString("x"), n => n)
        );
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains(
            $"must have at most {most} values",
            await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal
        );
    }

    /// <summary>A page of history ends by its size, too: a thousand events of a megabyte would be a gigabyte of this
    /// server's memory.</summary>
    [Fact]
    public async Task A_page_of_history_and_an_array_of_events_end_by_their_bytes_too()
    {
        var server = shared.World.Server;
        var (hal, data) = (Tokens.Of("hal", subscribe: ["pages.a"], publish: ["pages.a"]), new string('x', 40 * 1024));
        var many = Enumerable.Range(0, 11).Select(_ => new EventBody("pages.a", "n", ""));
        Assert.Equal(
            HttpStatusCode.RequestEntityTooLarge,
            await SecureSystem.StatusAsync(server, Post, "/v1/events", hal, many)
        );
        // An array is one append: beyond the size of a commit it would block the log. Lines are appended in batches.
        var large = Enumerable.Range(0, 5).Select(n => new EventBody("pages.a", $"n{n}", data)).ToList();
        Assert.Equal(
            HttpStatusCode.RequestEntityTooLarge,
            await SecureSystem.StatusAsync(server, Post, "/v1/events", hal, large)
        );
        using var lines = new StringContent(
            string.Join('\n', large.Select(e => JsonSerializer.Serialize(e))),
            Encoding.UTF8,
            "application/x-ndjson"
        );
        Assert.Equal(HttpStatusCode.Accepted, await SecureSystem.StatusAsync(server, Post, "/v1/events", hal, lines));

        var (read, pages, after) = (new List<string?>(), 0, "");
        for (; after is not null; pages++)
        {
            var page = await SecureSystem.JsonAsync(server, Get, "/v1/events?topic=pages.a&limit=1000" + after, hal);
            read.AddRange(page.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("type").GetString()));
            after = page.GetProperty("next").GetString() is { } next ? "&after=" + next : null;
        }
        Assert.Equal(["n0", "n1", "n2", "n3", "n4"], read);
        Assert.Equal(3, pages);
    }

    /// <summary>Sends the bytes and nothing more; returns the server's answer up to the close.</summary>
    private static async Task<string> RawAsync(Uri server, string text)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Host, server.Port, limit.Token);
        await socket.SendAsync(Encoding.ASCII.GetBytes(text), SocketFlags.None, limit.Token);
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(limit.Token);
    }
}
