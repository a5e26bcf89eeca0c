using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Harness;
using Integration.Delivery;

namespace Integration.Security;

/// <summary>The bytes that one client sends are bounded while they are held, and delay nobody else.</summary>
public sealed class BulkTests(BulkTests.NarrowBudget narrow) : IClassFixture<BulkTests.NarrowBudget>
{
    private const string Publish = "POST /v1/events";

    /// <summary>A replica to which a client may publish 16 kB a second.</summary>
    public sealed class NarrowBudget : SharedWorld
    {
        internal Uri Server => System.Replicas[0].Url;
        protected override int Broadcasters => 0;
        protected override string? ApiKey => SecureSystem.OperatorKey;
        protected override Dictionary<string, string> Settings =>
            new(SecureSystem.Settings) { ["Limits__PublishKilobytesPerSecond"] = "16" };
    }

    [Fact]
    public async Task A_bulk_of_large_lines_is_appended_bit_by_bit_and_others_publish_in_between()
    {
        const int Lines = 150,
            MaxMegabytes = 250;
        await using var system = await World.Start(o => o.Broadcasters(0).AsProcesses());
        var server = system.Replicas[0].Process;

        for (var i = 0; i < 20; i++)
            await World.PublishAsync(server, new EventBody("others.a", "n", i));

        var before = server.Megabytes();
        var most = 0L;

        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(2) };
        using var body = new LargeLines(Lines);
        var bulk = http.PostAsync(new Uri(server.Url, "/v1/events"), body, TestContext.Current.CancellationToken);
        var others = new List<long>();
        while (!bulk.IsCompleted)
        {
            others.Add(Position((await World.PublishAsync(server, new EventBody("others.a", "n", 1)))[0]));
            most = Math.Max(most, server.Megabytes());
        }

        using var response = await bulk;
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        var positions = answer
            .GetProperty("events")
            .EnumerateArray()
            .Select(e => Position(e.GetProperty("position").GetString()!))
            .ToList();

        Assert.Equal(Lines, positions.Count);
        Assert.Equal(positions.Order(), positions);
        // Other publishers get places between the lines, again and again.
        Assert.InRange(
            positions.Zip(positions.Skip(1), (a, b) => others.Any(o => o > a && o < b)).Count(between => between),
            Lines / 10,
            Lines
        );

        if (OperatingSystem.IsLinux())
            Assert.InRange(most - before, 0, MaxMegabytes);
    }

    [Fact]
    public async Task A_line_that_conflicts_is_named_wherever_its_batch_ended()
    {
        await using var system = await World.Start(o => o.Broadcasters(0).Set("Events:NdjsonBatchBytes", 1024));
        var server = system.Replicas[0];
        var id = Guid.NewGuid();
        var large = new string('x', 2_000);
        await World.PublishAsync(server, new EventBody("a.b", "n", 1, Id: id));

        string[] lines = [Line(), Line(id), "", Line(), Line()];
        var body = SecureRequests.Text(string.Join('\n', lines), "application/x-ndjson");
        Assert.Contains("\"line\":2,\"accepted\":1", await server.Url.ExpectAsync(409, Publish, body: body));

        string Line(Guid? id = null) => JsonSerializer.Serialize(new EventBody("a.b", "n", large, Id: id));
    }

    [Fact]
    public async Task A_line_that_conflicts_is_found_in_few_commits()
    {
        await using var system = await World.Start(o => o.Broadcasters(0));
        var server = system.Replicas[0];

        foreach (var conflicting in (int[])[0, 63, 99])
        {
            var topic = $"bulk.{conflicting}";
            var id = Guid.NewGuid();

            if (conflicting == 0)
                await World.PublishAsync(server, new EventBody("a.b", "n", "other", Id: id));

            var lines = Enumerable
                .Range(0, 100)
                .Select(n => new EventBody(topic, "n", n, Id: n == conflicting || n == 0 ? id : null));
            var refused = await server.Url.ExpectAsync(409, Publish, body: SecureRequests.Lines(lines));
            Assert.Contains($"\"line\":{conflicting + 1},\"accepted\":{conflicting}", refused);

            await using var stored = system.Database.CreateCommand(
                $"select count(distinct time), count(*) from eventstore.events where topic = '{topic}'"
            );
            await using var row = await stored.ExecuteReaderAsync(TestContext.Current.CancellationToken);
            await row.ReadAsync(TestContext.Current.CancellationToken);
            Assert.InRange(row.GetInt64(0), 0, 8);
            Assert.Equal(conflicting, row.GetInt64(1));
        }
    }

    /// <summary>A body must be read and parsed before it can be refused.</summary>
    [Theory]
    [InlineData("/v1/events")]
    [InlineData("/v1/messages/count_tokens")]
    [InlineData("/v1/stream-tickets")]
    [InlineData("/v1/events/stream")]
    public async Task Refused_bodies_are_charged_to_the_budget_of_published_bytes(string path)
    {
        var eve = Tokens.Of($"eve at {path}", subscribe: ["orders.>"], publish: ["orders.>", "chat"]);
        // Ten seconds' worth are 160 kB; these are three times as many.
        var asked = Enumerable
            .Range(0, 50)
            .Select(_ => narrow.Server.SendAsync($"POST {path}", eve, new { from = new string('x', 10_000) }))
            .ToList();
        // The bodies between the first and those beyond the budget wait for ten seconds; the others say enough.
        var seen = new HashSet<HttpStatusCode>();
        await foreach (var answer in Task.WhenEach(asked))
        {
            using var refused = await answer;
            Assert.True(
                refused
                    is { StatusCode: HttpStatusCode.BadRequest }
                        or { StatusCode: HttpStatusCode.TooManyRequests, Headers.RetryAfter: not null },
                $"{path}: {refused}"
            );

            if (seen.Add(refused.StatusCode) && seen.Count == 2)
                break;
        }

        Assert.Equal(2, seen.Count);
    }

    [Fact]
    public async Task Unfinished_bodies_of_one_client_hold_bounded_bytes_and_others_publish()
    {
        await using var system = await World.Start(o =>
            o.Broadcasters(0)
                .Set(SecureSystem.Settings)
                .Set("Limits:HeldMegabytes", 1)
                .Set("AspireSse:Llm:GenerationsPerMinute", 10_000)
                .ApiKey(SecureSystem.OperatorKey)
        );
        var server = system.Replicas[0].Url;
        var (eve, ann) = (Tokens.Of("eve", publish: ["orders.>", "chat"]), Tokens.Of("ann", publish: ["orders.>"]));

        Socket[] open = [];
        var large = new EventBody("orders.a", "n", new string('x', 300_000));
        await Eventually.HoldsAsync(
            async () =>
            {
                // Opened again if a probe was admitted in between, so that one of them was refused.
                foreach (var socket in open)
                    socket.Close(0);

                open =
                [
                    await BodyWithoutEndAsync(server, "/v1/events", "application/json", eve),
                    await BodyWithoutEndAsync(server, "/v1/events", "application/x-ndjson", eve),
                ];

                using var refused = await server.SendAsync(Publish, eve, large);
                // Every endpoint that takes a body counts it.
                using var elsewhere = await server.SendAsync("POST /v1/chat/completions", eve, large);
                return new[] { refused, elsewhere }.All(r =>
                    r is { StatusCode: HttpStatusCode.TooManyRequests, Headers.RetryAfter: not null }
                );
            },
            "the client's bodies hold as much as they may"
        );
        await server.ExpectAsync(202, Publish, ann, large);

        foreach (var socket in open)
            socket.Close(0);

        await Eventually.HoldsAsync(
            async () => await server.StatusAsync(Publish, eve, large) == 202,
            "they are given back"
        );
    }

    /// <summary>Sends 450 kB of a body, and then nothing.</summary>
    private static async Task<Socket> BodyWithoutEndAsync(Uri server, string path, string type, string token)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Host, server.Port);
        await socket.SendAsync(
            Encoding.ASCII.GetBytes(
                $"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
                    + $"Content-Type: {type}\r\nContent-Length: 1000000\r\n\r\n"
                    + $"{{\"topic\":\"orders.a\",\"type\":\"n\",\"data\":\"{new string('x', 450_000)}"
            )
        );

        return socket;
    }

    private static long Position(string id) =>
        StreamPosition.TryParse(id, out var at) ? at.Position : throw new FormatException(id);

    /// <summary>Lines of a megabyte each, made as they are sent.</summary>
    private sealed class LargeLines : HttpContent
    {
        private readonly int _lines;

        public LargeLines(int lines)
        {
            _lines = lines;
            Headers.ContentType = new("application/x-ndjson");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (var i = 0; i < _lines; i++)
                await stream.WriteAsync(
                    Encoding.ASCII.GetBytes(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{{\"topic\":\"bulk.a\",\"type\":\"n\",\"data\":\"{new string('x', 1_000_000)}\"}}\n"
                        )
                    )
                );
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
