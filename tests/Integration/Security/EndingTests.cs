using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Harness;

namespace Integration.Security;

/// <summary>A stream ends with the credential that opened it.</summary>
public sealed class EndingTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    private static readonly HttpMethod Get = HttpMethod.Get,
        Post = HttpMethod.Post;

    [Theory]
    [InlineData("/v1/events/stream?topic=orders.a")]
    [InlineData("/v1/connections/stream")]
    public async Task A_stream_ends_with_its_token_and_announces_that_before(string path)
    {
        var token = Tokens.Of("short", subscribe: ["orders.>", "$sys.>"], life: TimeSpan.FromSeconds(8));
        await using var reader = await SecureSystem.OpenAsync(shared.World.A, path, token);
        await reader.WaitForEndAsync();
        Assert.True(reader.EndedProperly);
        var warnings = reader
            .Frames.Where(f => f.Event == "unauthorized")
            .Select(f => JsonDocument.Parse(f.Data!).RootElement)
            .ToList();
        Assert.Equal(["expiring", "expired"], warnings.Select(t => t.GetProperty("reason").GetString()));
        Assert.Equal("unauthorized", reader.Frames[^1].Event);
        Assert.True(warnings[0].GetProperty("expiresAt").GetDateTimeOffset() <= DateTimeOffset.UtcNow);
        Assert.Equal(HttpStatusCode.Unauthorized, await SecureSystem.StatusAsync(shared.World.A, Get, path, token));
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
        await using var reader = await SecureSystem.OpenAsync(shared.World.A, path, token);
        await reader.WaitAsync(r => r.Frames.Any(f => f.Id is not null));

        // Publishes without a pause beyond the expiry, so that the stream is being written to when it comes.
        var (published, late) = (0, 0);
        for (var ended = reader.WaitForEndAsync(); late < 5 || !ended.IsCompleted; published++)
        {
            if (DateTimeOffset.UtcNow > over)
                late++;
            await SecureSystem.PublishAsync(shared.World.A, new EventBody(topic, "n", published));
        }
        var read = Numbers(reader);
        Assert.Equal(Enumerable.Range(0, read.Count), read);
        Assert.InRange(read.Count, 1, published - late);

        await using var renewed = await SecureSystem.OpenAsync(
            shared.World.A,
            path,
            Tokens.Of("short", subscribe: ["orders.>"]),
            reader.LastId
        );
        await renewed.WaitForEventsAsync(published - read.Count);
        Assert.Equal(Enumerable.Range(read.Count, published - read.Count), Numbers(renewed));

        static List<int> Numbers(SseReader reader) =>
            [.. reader.Events.Where(e => e.Event == "n").Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture))];
    }

    [Fact]
    public async Task A_ticket_opens_its_topics_on_any_replica_one_connection_at_a_time()
    {
        var topic = $"orders.{Guid.NewGuid():N}";
        var ticket = await TicketAsync(Tokens.Of("ann", subscribe: ["orders.>"]), [topic], 60);
        var path = $"/v1/events/stream?topic={topic}&ticket={ticket}";
        await using var first = await SecureSystem.OpenAsync(shared.World.A, path);
        await first.WaitAsync(r => r.Frames.Any(f => f.Event == "connected"));
        await using var second = await SecureSystem.OpenAsync(shared.World.A, path);
        await first.WaitForEndAsync();
        Assert.Contains("replaced", first.Frames[^1].Data, StringComparison.Ordinal);

        await using var third = await SecureSystem.OpenAsync(shared.World.B, path);
        await second.WaitForEndAsync();
        Assert.Contains("replaced", second.Frames[^1].Data, StringComparison.Ordinal);
        await SecureSystem.PublishAsync(shared.World.A, new EventBody(topic, "n", 1));
        await third.WaitForEventsAsync(1);
        JsonElement rows = default;
        await Eventually.HoldsAsync(
            async () =>
            {
                rows = await SecureSystem.JsonAsync(
                    shared.World.A,
                    Get,
                    $"/v1/connections?filter={topic}",
                    key: SecureSystem.OperatorKey
                );
                return rows.GetProperty("connections").GetArrayLength() == 1;
            },
            "the replica knows the other one's connection, and no former one"
        );
        Assert.Equal(
            "ann",
            Assert.Single(rows.GetProperty("connections").EnumerateArray()).GetProperty("user").GetString()
        );
    }

    [Fact]
    public async Task A_key_and_a_token_of_one_name_are_two_users()
    {
        var topic = $"orders.{Guid.NewGuid():N}";
        var ticket = await TicketAsync(Tokens.Of("ann", subscribe: ["orders.>"]), [topic], 60);
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            await SecureSystem.StatusAsync(
                shared.World.A,
                Get,
                $"/v1/events/stream?topic={topic}&ticket={ticket}",
                key: SecureSystem.NamesakeKey
            )
        );

        await using var stream = await SecureSystem.OpenAsync(
            shared.World.A,
            $"/v1/events/stream?topic={topic}&ticket={ticket}"
        );

        using var keys = new HttpClient { DefaultRequestHeaders = { { "X-Api-Key", SecureSystem.NamesakeKey } } };
        await using var other = await SseReader.OpenAsync(
            shared.World.A,
            $"/v1/events/stream?topic={topic}",
            client: keys
        );
        foreach (var open in (SseReader[])[stream, other])
            await open.WaitAsync(r => r.Frames.Any(f => f.Event == "connected"));

        var rows = await SecureSystem.JsonAsync(
            shared.World.A,
            Get,
            $"/v1/connections?filter={topic}",
            key: SecureSystem.OperatorKey
        );

        Assert.Equal(
            ["ann", "key:ann"],
            rows.GetProperty("connections")
                .EnumerateArray()
                .Select(r => r.GetProperty("user").GetString())
                .Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task A_ticket_is_for_its_topics_its_user_and_streams_alone()
    {
        var ticket = await TicketAsync(Tokens.Of("ann", subscribe: ["orders.>"]), ["orders.a"], 60);

        Assert.Equal(
            HttpStatusCode.Unauthorized,
            await SecureSystem.StatusAsync(shared.World.A, Get, $"/v1/events/stream?topic=orders.b&ticket={ticket}")
        );
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            await SecureSystem.StatusAsync(
                shared.World.A,
                Get,
                $"/v1/events/stream?topic=orders.a&ticket={ticket}",
                Tokens.Of("bob", subscribe: ["orders.>"])
            )
        );
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            await SecureSystem.StatusAsync(shared.World.A, Get, $"/v1/events?topic=orders.a&ticket={ticket}")
        );
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            await SecureSystem.StatusAsync(
                shared.World.A,
                Post,
                $"/v1/stream-tickets?ticket={ticket}",
                body: new { topics = new[] { "orders.a" } }
            )
        );
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            await SecureSystem.StatusAsync(
                shared.World.A,
                Get,
                $"/v1/events/stream?topic=orders.a&ticket={ticket[..^2]}AA"
            )
        );
        Assert.Equal(
            HttpStatusCode.OK,
            await SecureSystem.StatusAsync(shared.World.B, Get, $"/v1/events/stream?ticket={ticket}")
        );
    }

    [Fact]
    public async Task A_ticket_ends_with_its_time_and_never_after_the_token_that_bought_it()
    {
        var path =
            "/v1/events/stream?topic=orders.a&ticket="
            + $"{await TicketAsync(Tokens.Of("ann", subscribe: ["orders.>"]), ["orders.a"], 5)}";
        await using var reader = await SecureSystem.OpenAsync(shared.World.A, path);
        await reader.WaitForEndAsync();
        Assert.Contains("expired", reader.Frames[^1].Data, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, await SecureSystem.StatusAsync(shared.World.A, Get, path));

        var bought = await SecureSystem.JsonAsync(
            shared.World.A,
            Post,
            "/v1/stream-tickets",
            Tokens.Of("ann", subscribe: ["orders.>"], life: TimeSpan.FromMinutes(1)),
            new { topics = new[] { "orders.a" } }
        );
        Assert.True(bought.GetProperty("expiresAt").GetDateTimeOffset() < DateTimeOffset.UtcNow.AddMinutes(2));
    }

    [Fact]
    public async Task A_ticket_lasts_an_hour_if_nothing_else_is_asked_for()
    {
        var before = DateTimeOffset.UtcNow;

        var ticket = await SecureSystem.JsonAsync(
            shared.World.A,
            Post,
            "/v1/stream-tickets",
            Tokens.Of("ann", subscribe: ["orders.>"], life: TimeSpan.FromDays(1)),
            new { topics = new[] { "orders.a" } }
        );

        Assert.InRange(
            ticket.GetProperty("expiresAt").GetDateTimeOffset(),
            before.AddHours(1),
            DateTimeOffset.UtcNow.AddHours(1)
        );
    }

    [Theory]
    [InlineData("""{"topics":["secret.a"]}""", 403)]
    [InlineData("""{"topics":["orders.a","secret.a"]}""", 403)]
    [InlineData("""{"topics":["$sys.>"]}""", 403)]
    [InlineData("""{"topics":[]}""", 400)]
    [InlineData("""{"topics":"orders.a"}""", 400)]
    [InlineData("""{"topics":["orders..a"]}""", 400)]
    [InlineData("""{"topics":["orders.a"],"expiresIn":86401}""", 400)]
    [InlineData("""{"topics":["orders.a"],"expiresIn":0}""", 400)]
    [InlineData("{}", 400)]
    public async Task A_ticket_is_refused_where_its_topics_or_time_are_not_to_be_had(string body, int status) =>
        Assert.Equal(
            status,
            (int)
                await SecureSystem.StatusAsync(
                    shared.World.A,
                    Post,
                    "/v1/stream-tickets",
                    Tokens.Of("ann", subscribe: ["orders.>"]),
                    new StringContent(body, null, "application/json")
                )
        );

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Lines_that_arrive_after_the_token_expired_are_refused_and_earlier_ones_are_kept(bool isLate)
    {
        var token = Tokens.Of("short", subscribe: ["orders.>"], publish: ["orders.>"], life: TimeSpan.FromSeconds(5));
        const string line = """{"topic":"orders.late","type":"n","data":1}""";
        using var content = new Lines("application/x-ndjson");
        var response = SecureSystem.SendAsync(shared.World.A, Post, "/v1/events", token, content);
        await content.SendAsync(line);
        await Eventually.HoldsAsync(
            async () =>
                await SecureSystem.StatusAsync(shared.World.A, Get, "/v1/events?topic=orders.late", token)
                == HttpStatusCode.Unauthorized,
            "the token has expired"
        );
        if (isLate)
            await content.SendAsync(line);
        content.Complete();
        using var refused = await response;
        Assert.Equal(isLate ? HttpStatusCode.Unauthorized : HttpStatusCode.Accepted, refused.StatusCode);
        if (!isLate)
            return;
        var problem = await refused.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal((2, 1), (problem.GetProperty("line").GetInt32(), problem.GetProperty("accepted").GetInt32()));
    }

    [Fact]
    public async Task A_body_that_is_complete_after_the_token_expired_is_refused()
    {
        var token = Tokens.Of("short", subscribe: ["orders.>"], publish: ["orders.>"], life: TimeSpan.FromSeconds(5));
        using var content = new Lines("application/json");
        var response = SecureSystem.SendAsync(shared.World.A, Post, "/v1/events", token, content);
        await content.SendAsync("""[{"topic":"orders.slow","type":"n","data":1}""");
        await Eventually.HoldsAsync(
            async () =>
                await SecureSystem.StatusAsync(shared.World.A, Get, "/v1/events?topic=orders.slow", token)
                == HttpStatusCode.Unauthorized,
            "the token has expired"
        );
        await content.SendAsync("]");
        content.Complete();
        using var refused = await response;
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        var page = await SecureSystem.JsonAsync(
            shared.World.A,
            Get,
            "/v1/events?topic=orders.slow",
            key: SecureSystem.OperatorKey
        );
        Assert.Equal(0, page.GetProperty("events").GetArrayLength());
    }

    private async Task<string> TicketAsync(string token, string[] topics, int seconds) =>
        (
            await SecureSystem.JsonAsync(
                shared.World.A,
                Post,
                "/v1/stream-tickets",
                token,
                new { topics, expiresIn = seconds }
            )
        )
            .GetProperty("ticket")
            .GetString()!;

    /// <summary>A body whose lines are sent one at a time.</summary>
    private sealed class Lines : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _stream = new();
        private readonly TaskCompletionSource _completed = new();

        public Lines(string type) => Headers.ContentType = new(type);

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
