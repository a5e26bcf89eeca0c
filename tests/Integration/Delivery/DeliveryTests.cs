using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Harness;
using Integration.Seeds;

namespace Integration.Delivery;

/// <summary>Receive and resume: over real sockets, on real stores.</summary>
public sealed class DeliveryTests(AssemblyWide<TwoReplicas> shared) : IClassFixture<AssemblyWide<TwoReplicas>>
{
    // The tests share the servers; each has its own topics.
    private readonly string _root = $"t{Guid.NewGuid():N}";

    private RunningService A => shared.World.System.Replicas[0];
    private RunningService B => shared.World.System.Replicas[1];
    private string Stream => $"/v1/events/stream?topic={_root}.%3E";

    private string T(string rest) => $"{_root}.{rest}";

    [Fact]
    public async Task An_event_published_on_one_replica_reaches_the_readers_of_each()
    {
        await using var first = await SseReader.OpenAtAsync(A.Url, Stream);
        await using var second = await SseReader.OpenAtAsync(B.Url, Stream);
        var position = Assert.Single(
            await World.PublishAsync(A, new EventBody(T("1"), "hello", new { text = "こんにちは\n😀" }))
        );

        foreach (var reader in (SseReader[])[first, second])
        {
            await reader.WaitForEventsAsync(1);
            var frame = Assert.Single(reader.Events);
            Assert.Equal((position, "hello", """{"text":"こんにちは\n😀"}"""), (frame.Id, frame.Event, frame.Data));
        }
    }

    [Fact]
    public async Task A_stream_says_where_it_starts_before_any_event()
    {
        var head = Assert.Single(await World.PublishAsync(A, new EventBody(T("1"), "x", 1)));
        await Eventually.HoldsAsync(
            async () => World.Position(await HeadAsync(B)) >= World.Position(head),
            "B has the event"
        );

        await using var reader = await SseReader.OpenAtAsync(B.Url, Stream);
        Assert.Equal("no-cache", reader.Response.Headers.CacheControl?.ToString());
        Assert.Equal("no", Assert.Single(reader.Response.Headers.GetValues("X-Accel-Buffering")));
        Assert.Empty(reader.Response.Content.Headers.ContentEncoding);
        Assert.Equal("", reader.Frames[0].Comment);

        var connected = reader.Frames[1];
        Assert.Equal("connected", connected.Event);
        Assert.NotNull(connected.Retry);
        var data = JsonDocument.Parse(connected.Data!).RootElement;

        Assert.Equal(connected.Id, data.GetProperty("head").GetString());
        Assert.Equal(connected.Id!.Split('-')[0], data.GetProperty("epoch").GetString());
        Assert.Empty(reader.Events);
    }

    /// <summary>Caddy compresses, and so holds, a stream whose first write has 512 bytes or more.</summary>
    [Fact]
    public async Task The_first_write_is_small_and_alone_whatever_follows_it()
    {
        EventBody[] bodies = [.. Enumerable.Range(1, 3).Select(n => new EventBody(T("1"), "x", new { n }))];
        var ids = await World.PublishAsync(A, bodies);

        using var client = new TcpClient();
        await client.ConnectAsync(A.Url.Host, A.Url.Port, TestContext.Current.CancellationToken);
        var socket = client.GetStream();
        await socket.WriteAsync(
            Encoding.ASCII.GetBytes(
                $"GET {Stream} HTTP/1.1\r\nHost: {A.Url.Authority}\r\nLast-Event-ID: {ids[0]}\r\n\r\n"
            ),
            TestContext.Current.CancellationToken
        );
        using var reader = new StreamReader(socket);
        var text = "";
        while (!text.Contains("""{"n":3}""", StringComparison.Ordinal))
        {
            var line = await reader.ReadLineAsync(TestContext.Current.CancellationToken);
            Assert.True(line is not null, text);
            text += line + "\n";
        }

        var chunks = text[(text.IndexOf("\n\n", StringComparison.Ordinal) + 2)..];
        var first = Convert.ToInt32(chunks[..chunks.IndexOf('\n', StringComparison.Ordinal)], 16);
        Assert.InRange(first, 1, 511);
        Assert.Contains("event: connected", chunks[..first], StringComparison.Ordinal);
        Assert.DoesNotContain("event: x", chunks[..first], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reader_that_returns_to_another_replica_gets_every_missed_event_once_and_in_order(bool byQuery)
    {
        string last;
        await using (var first = await SseReader.OpenAtAsync(A.Url, Stream))
        {
            await World.PublishNumbersAsync(A, T("1"), 1, 50);
            await first.WaitForEventsAsync(50);
            last = first.LastId!;
        }

        await World.PublishNumbersAsync(B, T("2"), 51, 1_200);
        await using var second = byQuery
            ? await SseReader.OpenAtAsync(B.Url, $"{Stream}&last_event_id={last}")
            : await SseReader.OpenAtAsync(B.Url, Stream, last);
        Assert.Equal(last, second.Frames.First(f => f.Id is not null).Id);
        await second.WaitForEventsAsync(1_200);
        await World.PublishNumbersAsync(A, T("3"), 1_251, 20);
        await second.WaitForEventsAsync(1_220);
        Assert.Equal(Enumerable.Range(51, 1_220), second.Numbers);
    }

    [Fact]
    public async Task A_reader_that_returns_after_a_restart_of_its_replica_gets_every_missed_event()
    {
        await using var system = await World.Start();
        var positions = await World.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 5);
        var restarted = await system.StartReplicaAsync();

        await using var reader = await SseReader.OpenAtAsync(
            restarted.Url,
            "/v1/events/stream?topic=t.1",
            positions[1]
        );
        await World.PublishNumbersAsync(restarted, "t.1", 6, 1);

        await reader.WaitAsync(r => r.Events.Any(e => e.Data == "6"));
        Assert.Equal(["3", "4", "5", "6"], reader.Events.Select(e => e.Data));
    }

    [Fact]
    public async Task Earliest_starts_at_the_oldest_event_and_continues_live()
    {
        await World.PublishNumbersAsync(A, T("1"), 1, 30);
        await using var reader = await SseReader.OpenAtAsync(B.Url, Stream + "&from=earliest");
        await reader.WaitForEventsAsync(30);
        await World.PublishNumbersAsync(A, T("1"), 31, 5);
        await reader.WaitForEventsAsync(35);
        Assert.Equal(Enumerable.Range(1, 35), reader.Numbers);
    }

    [Theory]
    [InlineData("zzz", "malformed")]
    [InlineData("otherepoch-5", "epoch")]
    [InlineData("EPOCH-999999999", "future")]
    public async Task An_id_that_cannot_be_honoured_is_answered_in_band(string id, string reason)
    {
        await World.PublishNumbersAsync(A, T("1"), 1, 3);
        id = id.Replace("EPOCH", (await HeadAsync(A)).Split('-')[0], StringComparison.Ordinal);
        await using var reader = await SseReader.OpenAsync(A.Url, Stream, id);
        var resync = await reader.ResyncAsync();
        var frame = reader.Frames.Single(f => f.Event == "resync");

        Assert.Equal((reason, id, frame.Id), (resync.Reason, resync.Requested, resync.ResumedFrom));
        await World.PublishNumbersAsync(A, T("1"), 4, 1);
        await reader.WaitForEventsAsync(1);
        Assert.Equal("4", Assert.Single(reader.Events).Data);
    }

    /// <summary>A page that gives its client a stored id sends that and, after a cut, the client's own: browsers join
    /// them by a comma.</summary>
    [Theory]
    [InlineData("1, 2", "")]
    [InlineData("2, 1", "")]
    [InlineData("2,2", "")]
    [InlineData("zzz, 2", "")]
    [InlineData(null, "last_event_id=1&lastEventId=2")]
    [InlineData(null, "last_event_id=2&lastEventId=1")]
    [InlineData(null, "last_event_id=1&last_event_id=2")]
    public async Task Of_several_ids_the_furthest_counts(string? header, string query)
    {
        await using var first = await SseReader.OpenAtAsync(A.Url, Stream);
        await World.PublishNumbersAsync(A, T("1"), 1, 3);
        await first.WaitForEventsAsync(3);
        var ids = first.Events.Select(e => e.Id!).ToList();

        await using var second = await SseReader.OpenAtAsync(B.Url, $"{Stream}&{Named(query)}", Named(header));
        await second.WaitForEventsAsync(1);
        Assert.Equal("3", Assert.Single(second.Events).Data);
        Assert.Empty(second.Resyncs);

        string? Named(string? text) =>
            text is null ? null : Regex.Replace(text, @"\d", number => ids[number.Value[0] - '1']);
    }

    [Theory]
    [InlineData(new byte[] { 0xC3, 0xA9 }, "é")]
    [InlineData(new byte[] { 0x78, 0xFF }, "x\uFFFD")]
    public async Task An_id_in_whatever_bytes_is_answered_in_band(byte[] id, string requested)
    {
        await using var reader = await SseReader.OpenAsync(A.Url, Stream, Encoding.Latin1.GetString(id));
        var resync = await reader.ResyncAsync();
        Assert.Equal(("malformed", requested), (resync.Reason, resync.Requested));
    }

    [Fact]
    public async Task A_reader_without_matches_stays_at_the_head_and_never_beyond_a_match()
    {
        await using var reader = await SseReader.OpenAtAsync(A.Url, $"/v1/events/stream?topic={T("quiet")}");
        var others = await World.PublishNumbersAsync(A, T("1"), 1, 10);
        await reader.WaitAsync(r =>
            r.Frames.Any(f =>
                f is { Event: "position", Id: not null } && World.Position(f.Id) >= World.Position(others[^1])
            )
        );

        var match = Assert.Single(await World.PublishAsync(A, new EventBody(T("quiet"), "x", 1)));
        await reader.WaitForEventsAsync(1);
        var ids = reader.Frames.Where(f => f.Id is not null).Select(f => World.Position(f.Id!)).ToList();

        Assert.Equal(ids.Order(), ids);
        Assert.Equal(match, Assert.Single(reader.Events).Id);
    }

    [Fact]
    public async Task Ticks_are_the_same_for_the_readers_of_all_replicas()
    {
        await using var first = await SseReader.OpenAsync(A.Url, "/sse/events");
        await using var second = await SseReader.OpenAsync(B.Url, "/sse/events");

        List<string?> Shared() => [.. first.Events.Select(e => e.Id).Intersect(second.Events.Select(e => e.Id))];

        // The streams open one after the other, and either may be late; the next tick comes for both.
        await first.WaitAsync(_ => Shared().Count >= 2);

        foreach (var id in Shared())
            Assert.Equal(first.Events.Single(e => e.Id == id), second.Events.Single(e => e.Id == id));

        var tick = JsonDocument.Parse(first.Events.First().Data!).RootElement;
        Assert.Equal(["id", "message", "timestamp"], tick.EnumerateObject().Select(m => m.Name));
        Assert.Null(first.Events.First().Event);
    }

    [Fact]
    public async Task An_event_too_large_for_the_relay_reaches_its_readers_in_order()
    {
        await using var wanted = await SseReader.OpenAtAsync(B.Url, $"/v1/events/stream?topic={T("1")}");
        await using var others = await SseReader.OpenAtAsync(B.Url, $"/v1/events/stream?topic={T("2")}");
        var large = new string('x', 200_000);

        // Publishes one topic on both replicas, so that relayed events lie between local commits.
        for (var round = 0; round < 5; round++)
        {
            await World.PublishAsync(
                A,
                new EventBody(T("1"), "n", round),
                new EventBody(T("1"), "n", large),
                new EventBody(T("2"), "n", round)
            );
            await World.PublishAsync(B, new EventBody(T("1"), "n", large + round), new EventBody(T("2"), "n", large));
        }

        await wanted.WaitForEventsAsync(15);
        await others.WaitForEventsAsync(10);
        await using var returned = await SseReader.OpenAtAsync(
            B.Url,
            $"/v1/events/stream?topic={T("1")}",
            wanted.Events.First().Id
        );

        await returned.WaitForEventsAsync(14);

        string[] expected =
        [
            .. Enumerable
                .Range(0, 5)
                .SelectMany(round => (string[])[$"{round}", $"\"{large}\"", $"\"{large}{round}\""]),
        ];
        Assert.Equal(expected, wanted.Events.Select(e => e.Data));
        Assert.Equal(expected[1..], returned.Events.Select(e => e.Data));
        Assert.Equal(
            Enumerable.Range(0, 5).SelectMany(round => (string[])[$"{round}", $"\"{large}\""]),
            others.Events.Select(e => e.Data)
        );
    }

    [Fact]
    public async Task Types_and_keys_narrow_a_subscription_and_POST_accepts_the_same_as_the_query()
    {
        var before = await HeadAsync(A);

        await World.PublishAsync(
            A,
            new EventBody(T("1"), "a", 1, "k"),
            new EventBody(T("1"), "b", 2, "k"),
            new EventBody(T("2"), "a", 3),
            new EventBody(T("u.1"), "a", 4, "k")
        );

        await using var typed = await SseReader.OpenAsync(A.Url, $"/v1/events/stream?topic={T("*")}&type=a", before);
        await typed.WaitForEventsAsync(2);
        Assert.Equal(["1", "3"], typed.Events.Select(e => e.Data));

        foreach (var method in (string[])["POST", "QUERY"])
        {
            using var body = JsonContent.Create(
                new
                {
                    topics = new[] { T("*"), T("u.*") },
                    types = new[] { "a" },
                    keys = new[] { "k" },
                }
            );

            await using var posted = await SseReader.OpenAsync(
                A.Url,
                "/v1/events/stream",
                before,
                new HttpMethod(method),
                body
            );
            await posted.WaitForEventsAsync(2);
            Assert.Equal(["1", "4"], posted.Events.Select(e => e.Data));
        }

        foreach (var last in (string[])["lastEventId", "last_event_id"])
        {
            using var body = JsonContent.Create(
                new Dictionary<string, object>
                {
                    ["topics"] = new[] { T("2") },
                    [last] = before,
                    ["envelope"] = true,
                    ["slow"] = "latest",
                }
            );

            await using var posted = await SseReader.OpenAsync(
                A.Url,
                $"/v1/events/stream?{last}={await HeadAsync(A)}&envelope=false",
                method: HttpMethod.Post,
                body: body
            );
            await posted.WaitForEventsAsync(1);
            Assert.Equal(
                T("2"),
                JsonDocument.Parse(Assert.Single(posted.Events).Data!).RootElement.GetProperty("topic").GetString()
            );
        }

        using var earliest = JsonContent.Create(new { topics = new[] { T("2") }, from = "earliest" });

        await using var oldest = await SseReader.OpenAsync(
            A.Url,
            "/v1/events/stream",
            method: HttpMethod.Post,
            body: earliest
        );

        await oldest.WaitForEventsAsync(1);
    }

    [Fact]
    public async Task An_envelope_says_all_that_is_known_of_an_event()
    {
        await using var reader = await SseReader.OpenAtAsync(A.Url, Stream + "&envelope=true");
        var id = Guid.NewGuid();
        var position = Assert.Single(await World.PublishAsync(A, new EventBody(T("1"), "x", new { n = 1 }, "k", id)));

        await reader.WaitForEventsAsync(1);
        var frame = Assert.Single(reader.Events);
        var envelope = JsonDocument.Parse(frame.Data!).RootElement;

        Assert.Equal("x", frame.Event);
        Assert.Equal(
            (id, position, T("1"), "x", "k", """{"n":1}"""),
            (
                envelope.GetProperty("id").GetGuid(),
                envelope.GetProperty("position").GetString(),
                envelope.GetProperty("topic").GetString(),
                envelope.GetProperty("type").GetString(),
                envelope.GetProperty("key").GetString(),
                envelope.GetProperty("data").GetRawText()
            )
        );

        Assert.InRange(
            envelope.GetProperty("time").GetDateTimeOffset(),
            DateTimeOffset.UtcNow.AddMinutes(-5),
            DateTimeOffset.UtcNow.AddMinutes(5)
        );
    }

    private static async Task<string> HeadAsync(RunningService replica)
    {
        var replicas = await SeedRequests.GetAsync(replica.Url, "/v1/replicas");
        return replicas
            .EnumerateArray()
            .Single(r => r.GetProperty("url").GetString() == replica.Url.ToString().TrimEnd('/'))
            .Text("head")!;
    }
}
