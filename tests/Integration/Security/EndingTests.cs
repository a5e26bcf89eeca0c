using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Harness;
using Integration.Seeds;

namespace Integration.Security;

/// <summary>A stream, a ticket and a request end with the credential that opened them.</summary>
public sealed class EndingTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    private static readonly string Ann = Tokens.Of("ann", subscribe: ["orders.>"]);

    private Uri A => shared.World.A;
    private Uri B => shared.World.B;

    /// <summary>The clock is moved: within the notice, a busy machine may pause for seconds.</summary>
    [Fact]
    public async Task A_stream_ends_with_its_token_or_ticket_and_announces_that_before()
    {
        // A stream shorter than twice the notice has none.
        const int Life = 240,
            Notice = 100;
        var clock = new MovableClock();
        await using var system = await World.Start(o =>
            o.Clock(clock)
                .Broadcasters(0)
                .Set(SecureSystem.Settings)
                .Set("Security:RenewSeconds", Notice)
                .ApiKey(SecureSystem.OperatorKey)
        );
        var server = system.Replicas[0].Url;
        var ticket = await server.TicketAsync(Ann, expiresIn: Life);
        var token = Tokens.Of("short", subscribe: ["orders.>", "$sys.>"], life: TimeSpan.FromSeconds(Life));
        (string Path, string? Token)[] requests =
        [
            ("/v1/events/stream?topic=orders.a", token),
            ("/v1/connections/stream", token),
            ($"/v1/events/stream?topic=orders.a&ticket={ticket}", null),
        ];
        var readers = await Task.WhenAll(requests.Select(r => SecureSystem.OpenAsync(server, r.Path, r.Token)));

        clock.Advance(TimeSpan.FromSeconds(Life - Notice));
        foreach (var reader in readers)
            await reader.WaitAsync(r => Warnings(r).Any());
        clock.Advance(TimeSpan.FromSeconds(Notice));

        foreach (var ((path, opener), reader) in requests.Zip(readers))
        {
            await reader.WaitForEndAsync();
            Assert.True(reader.EndedProperly);
            var warnings = Warnings(reader).ToList();

            Assert.Equal(["expiring", "expired"], warnings.Select(t => t.GetProperty("reason").GetString()));
            Assert.Equal("unauthorized", reader.Frames[^1].Event);
            Assert.True(warnings[0].GetProperty("expiresAt").GetDateTimeOffset() <= clock.GetUtcNow());
            await server.ExpectAsync(401, $"GET {path}", opener);
            await reader.DisposeAsync();
        }

        static IEnumerable<JsonElement> Warnings(SseReader reader) =>
            reader.Frames.Where(f => f.Event == "unauthorized").Select(f => f.Json());
    }

    [Fact]
    public async Task A_stream_delivers_nothing_after_expiry_and_a_new_token_resumes_without_loss()
    {
        var topic = $"orders.{Guid.NewGuid():N}";
        var path = $"/v1/events/stream?topic={topic}";
        var life = TimeSpan.FromSeconds(5);
        var token = Tokens.Of("short", subscribe: ["orders.>"], life: life);
        // Some milliseconds more, because the server's tick clock is coarse.
        var over = DateTimeOffset.UtcNow + life + TimeSpan.FromMilliseconds(100);
        await using var reader = await SecureSystem.OpenAsync(A, path, token);

        await reader.WaitAsync(r => r.Frames.Any(f => f.Id is not null));

        // Publishes without a pause beyond the expiry, so that the stream is being written to when it comes.
        var (published, late) = (0, 0);
        for (var ended = reader.WaitForEndAsync(); late < 5 || !ended.IsCompleted; published++)
        {
            if (DateTimeOffset.UtcNow > over)
                late++;
            await SecureSystem.PublishAsync(A, new EventBody(topic, "n", published));
        }

        var read = Numbers(reader);
        Assert.Equal(Enumerable.Range(0, read.Count), read);
        Assert.InRange(read.Count, 1, published - late);

        await using var renewed = await SecureSystem.OpenAsync(A, path, Ann, reader.LastId);
        await renewed.WaitForEventsAsync(published - read.Count);
        Assert.Equal(Enumerable.Range(read.Count, published - read.Count), Numbers(renewed));

        static List<int> Numbers(SseReader reader) =>
            [.. reader.Events.Where(e => e.Event == "n").Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture))];
    }

    [Fact]
    public async Task A_ticket_opens_its_topics_on_any_replica_one_connection_at_a_time()
    {
        var topic = $"orders.{Guid.NewGuid():N}";
        var path = $"/v1/events/stream?topic={topic}&ticket={await A.TicketAsync(Ann, topic)}";
        await using var first = await SecureSystem.OpenAsync(A, path);

        await first.WaitAsync(r => r.Frames.Any(f => f.Event == "connected"));
        await using var second = await SecureSystem.OpenAsync(A, path);
        await first.WaitForEndAsync();
        Assert.Contains("replaced", first.Frames[^1].Data, StringComparison.Ordinal);

        await using var third = await SecureSystem.OpenAsync(B, path);
        await second.WaitForEndAsync();
        Assert.Contains("replaced", second.Frames[^1].Data, StringComparison.Ordinal);
        await SecureSystem.PublishAsync(A, new EventBody(topic, "n", 1));
        await third.WaitForEventsAsync(1);

        string[] users = [];
        await Eventually.HoldsAsync(
            async () => (users = await UsersAsync(topic)).Length == 1,
            "the replica knows the other one's connection, and no former one"
        );
        Assert.Equal(["ann"], users);
    }

    [Fact]
    public async Task A_key_and_a_token_of_one_name_are_two_users()
    {
        var topic = $"orders.{Guid.NewGuid():N}";
        var path = $"/v1/events/stream?topic={topic}";
        var ticket = await A.TicketAsync(Ann, topic);

        await A.ExpectAsync(401, $"GET {path}&ticket={ticket}", SecureSystem.NamesakeKey);

        await using var stream = await SecureSystem.OpenAsync(A, $"{path}&ticket={ticket}");
        using var keys = new HttpClient { DefaultRequestHeaders = { { "X-Api-Key", SecureSystem.NamesakeKey } } };
        await using var other = await SseReader.OpenAsync(A, path, client: keys);
        foreach (var open in (SseReader[])[stream, other])
            await open.WaitAsync(r => r.Frames.Any(f => f.Event == "connected"));

        Assert.Equal(["ann", "key:ann"], (await UsersAsync(topic)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_ticket_is_for_its_topics_its_user_and_streams_alone()
    {
        var ticket = await A.TicketAsync(Ann);
        var bob = Tokens.Of("bob", subscribe: ["orders.>"]);
        await A.ExpectAsync(401, $"GET /v1/events/stream?topic=orders.b&ticket={ticket}");
        await A.ExpectAsync(401, $"GET /v1/events/stream?topic=orders.a&ticket={ticket}", bob);
        await A.ExpectAsync(401, $"GET /v1/events?topic=orders.a&ticket={ticket}");
        await A.ExpectAsync(401, $"POST /v1/stream-tickets?ticket={ticket}", body: """{"topics":["orders.a"]}""");

        var forged = ticket[..^10] + (ticket[^10] == 'A' ? 'B' : 'A') + ticket[^9..];
        await A.ExpectAsync(401, $"GET /v1/events/stream?topic=orders.a&ticket={forged}");
        await B.ExpectAsync(200, $"GET /v1/events/stream?ticket={ticket}");
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("QUERY")]
    public async Task A_ticket_in_a_body_is_not_ignored_beside_another_credential(string method)
    {
        var ticket = await A.TicketAsync(Ann, "orders.a");
        var body = new { topics = new[] { "orders.b" }, ticket };
        var text = await A.ExpectAsync(400, $"{method} /v1/events/stream", Ann, body);
        Assert.Contains("ticket: belongs in the query, ?ticket=", text, StringComparison.Ordinal);
        await A.ExpectAsync(401, $"{method} /v1/events/stream", credential: null, body);
    }

    [Theory]
    [InlineData(86_400, 3_600)]
    [InlineData(60, 60)]
    public async Task A_ticket_lasts_an_hour_and_never_longer_than_the_token_that_bought_it(int token, int ticket)
    {
        var before = DateTimeOffset.UtcNow;
        var bought = await A.JsonAsync(
            "POST /v1/stream-tickets",
            Tokens.Of("ann", subscribe: ["orders.>"], life: TimeSpan.FromSeconds(token)),
            new { topics = new[] { "orders.a" } }
        );

        Assert.InRange(
            bought.GetProperty("expiresAt").GetDateTimeOffset(),
            before.AddSeconds(ticket - 1),
            DateTimeOffset.UtcNow.AddSeconds(ticket)
        );
    }

    /// <summary>Three bodies are under way when their token expires: two of lines, and one array.</summary>
    [Fact]
    public async Task What_arrives_after_the_token_expired_is_refused_and_earlier_lines_are_kept()
    {
        var topic = $"orders.{Guid.NewGuid():N}";
        var life = TimeSpan.FromSeconds(5);
        var token = Tokens.Of("short", subscribe: ["orders.>"], publish: ["orders.>"], life: life);
        var line = $$"""{"topic":"{{topic}}","type":"n","data":1}""";
        using SlowBody late = new("application/x-ndjson"),
            early = new("application/x-ndjson"),
            array = new("application/json");

        Task<HttpResponseMessage>[] answers =
        [
            A.SendAsync("POST /v1/events", token, late),
            A.SendAsync("POST /v1/events", token, early),
            A.SendAsync("POST /v1/events", token, array),
        ];
        await late.SendAsync(line);
        await early.SendAsync(line);
        await array.SendAsync($"[{line}");
        await Eventually.HoldsAsync(
            async () => await A.StatusAsync($"GET /v1/events?topic={topic}", token) == 401,
            "the token has expired"
        );

        await late.SendAsync(line);
        await array.SendAsync("]");

        foreach (var body in (SlowBody[])[late, early, array])
            body.Complete();

        using HttpResponseMessage ofLate = await answers[0],
            ofEarly = await answers[1],
            ofArray = await answers[2];

        Assert.Equal(
            (HttpStatusCode.Unauthorized, HttpStatusCode.Accepted, HttpStatusCode.Unauthorized),
            (ofLate.StatusCode, ofEarly.StatusCode, ofArray.StatusCode)
        );
        Assert.Contains("\"line\":2,\"accepted\":1", await ofLate.Content.ReadAsStringAsync());

        var stored = await A.JsonAsync($"GET /v1/events?topic={topic}", SecureSystem.OperatorKey);
        Assert.Equal(2, stored.GetProperty("events").GetArrayLength());
    }

    private async Task<string[]> UsersAsync(string topic)
    {
        var rows = await A.JsonAsync($"GET /v1/connections?filter={topic}", SecureSystem.OperatorKey);
        return [.. rows.GetProperty("connections").EnumerateArray().Select(r => r.GetProperty("user").GetString()!)];
    }

    /// <summary>A body that is sent in pieces.</summary>
    private sealed class SlowBody : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _stream = new();
        private readonly TaskCompletionSource _completed = new();

        public SlowBody(string type) => Headers.ContentType = new(type);

        public async Task SendAsync(string line)
        {
            var stream = await _stream.Task;
            await stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"));
            await stream.FlushAsync();
        }

        public void Complete() => _completed.SetResult();

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            _stream.SetResult(stream);
            return _completed.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
