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
    private const string Publish = "POST /v1/events",
        Key = SecureSystem.OperatorKey;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private Uri Server => shared.World.Server;

    /// <summary>Slow-loris: a head or a body that never ends.</summary>
    [Fact]
    public async Task An_endless_request_head_or_body_is_cut_off()
    {
        var head = RawAsync("GET /alive HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
        var body = RawAsync(Head("application/json", "Content-Length: 1000") + "{");
        Assert.StartsWith("HTTP/1.1 408", await head, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 408", await body, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, await body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bulk_of_lines_that_is_cut_off_keeps_the_lines_before()
    {
        var topic = $"orders.bulk{Guid.NewGuid():N}";
        var line = $$"""{"topic":"{{topic}}","type":"n","data":1}""" + "\n";
        var head = Head("application/x-ndjson", "Transfer-Encoding: chunked");
        var late = await RawAsync($"{head}{line.Length:x}\r\n{line}\r\n40\r\n");

        Assert.StartsWith("HTTP/1.1 408", late, StringComparison.Ordinal);
        Assert.Contains("\"line\":2,\"accepted\":1", late, StringComparison.Ordinal);
        var page = await Server.JsonAsync($"GET /v1/events?topic={topic}", Key);

        Assert.Equal(1, page.GetProperty("events").GetArrayLength());

        var broken = await RawAsync($"{head}no length\r\n");
        Assert.StartsWith("HTTP/1.1 400", broken, StringComparison.Ordinal);
    }

    /// <summary>A run keeps its prompt after the request; a parser's rows for many small values outweigh
    /// them.</summary>
    [Fact]
    public async Task The_prompt_of_a_run_is_counted_until_its_end_and_a_body_by_its_parsed_size()
    {
        var ida = Tokens.Of("ida", ["generations.>"], ["generations.>", "orders.>"]);
        var zeros = $"[0{string.Concat(Enumerable.Repeat(",0", 500_000))}]";
        // Admitted, and then refused as too many events.
        await Server.ExpectAsync(413, Publish, ida, zeros);

        object body = new
        {
            messages = new[] { new { role = "user", content = new string('x', 1_000_000) } },
            maxTokens = 4_000,
        };
        var run = (await Server.JsonAsync("POST /v1/generations", ida, body)).GetProperty("id").GetString();

        // 1 MB of zeros takes 7 MB, and the prompt 2 MB: more than 8.4 MB.
        using (var refused = await Server.SendAsync(Publish, ida, zeros))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            // A client that sends it again at once does not keep the server busy with receiving it.
            Assert.True(refused.Headers.ConnectionClose);
        }

        await Server.ExpectAsync(200, $"DELETE /v1/generations/{run}", ida);
        await Eventually.HoldsAsync(
            async () => await Server.StatusAsync(Publish, ida, zeros) == 413,
            "the prompt of an ended run is given back"
        );
    }

    /// <summary>256 kilobytes a second are accepted, the first 256 at once; the others wait, and then they are accepted
    /// whole.</summary>
    [Theory]
    [InlineData(1_023, 600, 1.3)]
    [InlineData(0, 9_600, 1.3)]
    [InlineData(250_000, 4, 2.5)]
    public async Task Lines_blank_or_not_wait_until_their_publisher_may_again(int size, int count, double seconds)
    {
        var kim = Tokens.Of($"kim {size}", publish: ["orders.>"]);
        var publishing = Stopwatch.StartNew();
        var line =
            size > 1_024
                ? JsonSerializer.Serialize(new EventBody("orders.large", "n", new string('x', size)))
                : new string(' ', size);
        var lines = string.Concat(Enumerable.Repeat(line + '\n', count));

        await Server.ExpectAsync(202, Publish, kim, SecureRequests.Text(lines, "application/x-ndjson"));
        // Blank lines are charged after they were read.
        await Server.ExpectAsync(202, Publish, kim, new EventBody("orders.a", "n", new string('x', 2_048)));
        Assert.True(publishing.Elapsed.TotalSeconds > seconds, $"{publishing.Elapsed}");
    }

    [Fact]
    public async Task What_follows_a_refused_line_is_received_and_the_connection_goes_on()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(Server.Host, Server.Port, Stop);
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        var liv = Tokens.Of("liv", publish: ["orders.>"]);

        await SendAsync(Head("application/x-ndjson", "Transfer-Encoding: chunked", liv) + "5\r\nnone\n\r\n");
        Assert.Equal("HTTP/1.1 400 Bad Request", await reader.ReadLineAsync(Stop));

        await SendAsync(
            $"{600 * 1_024:x}\r\n{new string('x', 600 * 1_024)}\r\n0\r\n\r\n"
                + "GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n"
        );

        string? line;
        do line = await reader.ReadLineAsync(Stop);
        while (line is not null and not "HTTP/1.1 200 OK");

        Assert.NotNull(line);

        Task SendAsync(string text) => client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text), Stop).AsTask();
    }

    /// <summary>Without a lingering read its connection would be reset, and the refusal lost.</summary>
    [Theory]
    [InlineData("/v1/stream-tickets", "application/json", 413)]
    [InlineData("/v1/events/stream", "application/json", 413)]
    [InlineData("/v1/events", "application/json", 400)]
    [InlineData("/v1/events", "application/x-ndjson", 400)]
    [InlineData("/v1/events", "text/plain", 415)]
    [InlineData("/nothing", "application/json", 404)]
    public async Task A_client_that_sends_everything_before_it_reads_gets_the_refusal(
        string path,
        string type,
        int status
    )
    {
        const int Bytes = 1_200_000;
        using var client = new TcpClient();
        await client.ConnectAsync(Server.Host, Server.Port, Stop);

        var mia = Tokens.Of($"mia {path} {type}", ["orders.>"], ["orders.>"]);
        var head = Head(type, $"Content-Length: {Bytes}", mia)
            .Replace("/v1/events ", $"{path} ", StringComparison.Ordinal);
        var request = Encoding.ASCII.GetBytes(head + $"nothing\n{new string('x', Bytes - 8)}");

        foreach (var part in request.Chunk(64 * 1024))
            await client.GetStream().WriteAsync(part, Stop);

        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        Assert.StartsWith($"HTTP/1.1 {status} ", await reader.ReadLineAsync(Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Topics_lists_and_bodies_have_their_sizes()
    {
        const string Tickets = "POST /v1/stream-tickets";
        var deep = string.Join('.', Enumerable.Repeat("a", 33));
        await Server.ExpectAsync(400, Publish, Key, new EventBody(deep, "n", 1));
        await Server.ExpectAsync(400, $"GET /v1/events?topic={deep}", Key);
        await Server.ExpectAsync(400, "GET /v1/events?" + string.Join('&', Names(101).Select(n => $"topic={n}")), Key);
        await Server.ExpectAsync(413, Publish, Key, new EventBody("a.b", "n", new string('x', 1024 * 1024)));
        await Server.ExpectAsync(413, Tickets, Key, new { topics = new[] { new string('x', 300 * 1024) } });
        await Server.ExpectAsync(200, Tickets, Key, new { topics = Names(100) });
        await Server.ExpectAsync(400, Tickets, Key, new { topics = Names(101) });

        static IEnumerable<string> Names(int count) => Enumerable.Range(0, count).Select(n => $"a{n}");
    }

    /// <summary>Each value becomes an object, and in a stream's body a part of its query, which takes many times its
    /// bytes.</summary>
    [Theory]
    [InlineData("/v1/events/stream", 1_300)]
    [InlineData("/sse/events", 1_000)]
    [InlineData("/v1/orders", 16_384)]
    public async Task A_body_of_few_fields_has_a_maximum_of_values(string path, int most)
    {
        var body = Enumerable.Range(0, most).ToDictionary(n => n.ToString("x"), n => n);
        var refused = await Server.ExpectAsync(400, $"POST {path}", Key, body);
        Assert.Contains($"must have at most {most} values", refused, StringComparison.Ordinal);
    }

    /// <summary>A page of history ends by its size, too: a thousand events of a megabyte would be a gigabyte of this
    /// server's memory.</summary>
    [Fact]
    public async Task A_page_of_history_and_an_array_of_events_end_by_their_bytes_too()
    {
        var hal = Tokens.Of("hal", subscribe: ["pages.a"], publish: ["pages.a"]);
        var data = new string('x', 40 * 1024);
        var many = Enumerable.Range(0, 11).Select(_ => new EventBody("pages.a", "n", ""));
        await Server.ExpectAsync(413, Publish, hal, many);

        // An array is one append: beyond the size of a commit it would block the log. Lines are appended in batches.
        var large = Enumerable.Range(0, 5).Select(n => new EventBody("pages.a", $"n{n}", data)).ToList();
        await Server.ExpectAsync(413, Publish, hal, large);
        await Server.ExpectAsync(202, Publish, hal, SecureRequests.Lines(large));

        var read = new List<string?>();
        var pages = 0;
        var after = "";
        for (; after is not null; pages++)
        {
            var page = await Server.JsonAsync("GET /v1/events?topic=pages.a&limit=1000" + after, hal);
            read.AddRange(page.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("type").GetString()));
            after = page.GetProperty("next").GetString() is { } next ? "&after=" + next : null;
        }

        Assert.Equal(["n0", "n1", "n2", "n3", "n4"], read);
        Assert.Equal(3, pages);
    }

    private static string Head(string type, string length, string credential = Key) =>
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
        + $"Authorization: Bearer {credential}\r\nContent-Type: {type}\r\n{length}\r\n\r\n";

    /// <summary>Sends the bytes and nothing more; returns the server's answer up to the close.</summary>
    private async Task<string> RawAsync(string text)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(Server.Host, Server.Port, limit.Token);
        await socket.SendAsync(Encoding.ASCII.GetBytes(text), SocketFlags.None, limit.Token);

        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(limit.Token);
    }
}
