using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Integration.Seeds;

public sealed class BasicsTests(AssemblyWide<SeedSystem> shared) : SeedTests(shared)
{
    [Theory]
    [InlineData("")]
    [InlineData("-no-async")]
    [InlineData("-no-annotation")]
    [InlineData("-no-async-no-annotation")]
    public async Task The_three_items_arrive_with_their_ordinals_and_the_stream_ends(string variant)
    {
        await using var reader = await SseReader.OpenAsync(A, "/items/stream" + variant).ToEndAsync();
        Assert.True(reader.EndedProperly);
        Assert.Contains(reader.Frames, f => f.Comment == "stream of item updates");
        Assert.Equal(
            [
                new Frame("1", "item_update", """{"name":"Plumbus","price":32.99}""", "5000", null),
                new Frame("2", "item_update", """{"name":"Portal Gun","price":999.99}""", "5000", null),
                new Frame("3", "item_update", """{"name":"Meeseeks Box","price":49.99}""", "5000", null),
            ],
            reader.Events
        );
        Assert.All(reader.Frames.Where(f => f.Retry is not null), f => Assert.Equal("5000", f.Retry));
    }

    [Theory]
    [InlineData("/items/stream")]
    [InlineData("/logs/stream")]
    public async Task A_fixed_list_resumes_after_the_ordinal_and_is_over_after_the_last(string path)
    {
        // A page's stored id and its client's own.
        await using var reader = await SseReader.OpenAsync(A, path, lastId: "1, 2").ToEndAsync();
        Assert.Equal("2", reader.Frames.First(f => f.Id is not null).Id);
        Assert.Equal("3", Assert.Single(reader.Events).Id);

        foreach (var last in (string[])["3", "4", "99999999999999999999"])
        {
            using var over = await SeedRequests.SendAsync(B, HttpMethod.Get, path, lastId: last);
            Assert.Equal(HttpStatusCode.NoContent, over.StatusCode);
        }

        await using var strange = await SseReader.OpenAsync(A, path + "?last_event_id=abc").ToEndAsync();
        Assert.Equal(("malformed", 3), (strange.Resync()?.Text("reason"), strange.Events.Count()));
    }

    /// <summary>Finite streams, ordinal lists and sessions: endless digits are not a number to them, and they do not
    /// echo them.</summary>
    [Theory]
    [InlineData("/items/stream")]
    [InlineData("/logs/stream")]
    [InlineData("/v1/events/stream?topic=basics.long")]
    [InlineData("/sse/resilient/long-ids")]
    public async Task An_overlong_id_is_malformed_and_is_returned_shortened(string path)
    {
        foreach (
            var id in (string[])
                [
                    new string('0', 6_000) + "2",
                    new string('9', 6_000),
                    new string('あ', 600),
                    string.Concat(Enumerable.Repeat("😀", 400)),
                ]
        )
        {
            // HttpClient sends no other characters in a header.
            var isAscii = Ascii.IsValid(id);
            var parameter = $"{(path.Contains('?') ? '&' : '?')}last_event_id={Uri.EscapeDataString(id)}";
            await using var reader = await SseReader.OpenAsync(
                A,
                isAscii ? path : path + parameter,
                isAscii ? id : null
            );

            await reader.WaitAsync(r => r.Resync() is not null);
            Assert.All(reader.Frames.Where(f => f.Id is not null), f => Assert.InRange(f.Id!.Length, 1, 128));
            Assert.Equal("malformed", reader.Resync()?.Text("reason"));

            var requested = reader.Resync()!.Value.Text("requested")!;
            Assert.InRange(Encoding.UTF8.GetByteCount(requested), 1, 128);
            Assert.StartsWith(requested[..^1], id, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Log_lines_are_sent_unchanged()
    {
        await using var reader = await SseReader.OpenAsync(A, "/logs/stream").ToEndAsync();
        Assert.Equal(
            [
                (null, "2025-01-01 INFO  Application started"),
                (null, "2025-01-01 DEBUG Connected to database"),
                (null, "2025-01-01 WARN  High memory usage detected"),
            ],
            reader.Events.Select(e => (e.Event, e.Data))
        );
    }

    [Fact]
    public async Task A_posted_text_is_streamed_word_by_word_and_ends_with_done()
    {
        using var body = JsonContent.Create(new { text = "hello  \"big\" 世界" });
        await using var reader = await SseReader
            .OpenAsync(A, "/chat/stream", method: HttpMethod.Post, body: body)
            .ToEndAsync();

        Assert.Equal(
            [("token", "\"hello\""), ("token", "\"\\\"big\\\"\""), ("token", "\"世界\""), ("done", "[DONE]")],
            reader.Events.Select(e => (e.Event!, e.Data!))
        );
        Assert.All(reader.Frames, f => Assert.Null(f.Id));
    }

    [Fact]
    public async Task A_tick_a_second_is_the_same_for_the_readers_of_every_replica()
    {
        await using var first = await SseReader.OpenAtAsync(A, "/sse/events");
        // From the first id: the newest one may already be that of a tick.
        var from = first.Frames.First(f => f.Id is not null).Id;
        await using var second = await SseReader.OpenAsync(B, "/sse/events", from).ToEventsAsync(3);

        await first.WaitForEventsAsync(3);
        Assert.Equal(first.Events.Take(3), second.Events.Take(3));
        var ticks = first.Events.Take(3).Select(e => e.Json()).ToList();
        // A store that stalls for a second costs a tick.
        var seconds = ticks.Select(t => t.Number("id")).ToList();

        Assert.Equal(seconds.Order().Distinct(), seconds);
        Assert.All(ticks, t => Assert.Contains('.', t.At("timestamp").GetRawText()));
    }

    [Fact]
    public async Task Ticks_continue_for_a_while_after_the_last_reader_and_then_end()
    {
        string last;
        await using (var first = await SseReader.OpenAtAsync(A, "/sse/events"))
        {
            await first.WaitForEventsAsync(1);
            last = first.Events.First().Id!;
        }

        await using (var again = await SseReader.OpenAsync(B, "/sse/events", last).ToEventsAsync(2))
        {
            var seconds = again.Events.Take(2).Select(e => e.Json().Number("id")).ToArray();
            Assert.True(seconds[1] > seconds[0]);
        }

        await Eventually.HoldsAsync(
            async () =>
            {
                var ticks = await SeedRequests.GetAsync(A, $"/v1/events?topic=sse.ticks&after={last}");
                var newest = ticks.Items("events").Last().Number("data.id");
                // As if the last reader had left a minute ago.
                await Store.ExecuteAsync("update eventstore.readers set seen_at = now() - interval '1 minute'");
                return DateTimeOffset.UtcNow.ToUnixTimeSeconds() - newest > 3;
            },
            "the ticks have ended"
        );
    }

    [Theory]
    [InlineData("/items/stream?named=false", null, """{"type":"item_update","name":"Plumbus","price":32.99}""")]
    [InlineData("/items/stream?named=true", "item_update", """{"name":"Plumbus","price":32.99}""")]
    [InlineData("/logs/stream?named=true", "log", "2025-01-01 INFO  Application started")]
    [InlineData("/logs/stream?named=false", null, "2025-01-01 INFO  Application started")]
    public async Task Named_switches_between_names_and_none(string path, string? name, string data)
    {
        await using var reader = await SseReader.OpenAsync(A, path).ToEndAsync();
        Assert.Equal((name, data), (reader.Events.First().Event, reader.Events.First().Data));
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    [InlineData("QUERY")]
    public async Task The_stream_of_connections_takes_every_method_of_a_stream(string method)
    {
        using var body = SeedRequests.ContentOf(method == "GET" ? null : new { });
        await using var reader = await SseReader
            .OpenAsync(A, "/v1/connections/stream", method: new(method), body: body)
            .ToEventsAsync(1);
        var rows = reader.Events.First().Json().Items("connections").ToList();

        // Nothing has been delivered on most of them: the times are there, and are null.
        Assert.NotEmpty(rows);
        Assert.All(rows, row => Assert.Equal(JsonValueKind.Object, row.At("latencyMs").ValueKind));
    }

    [Fact]
    public async Task The_stream_of_connections_takes_the_filter_and_the_order_of_the_list()
    {
        await using var first = await SseReader.OpenAsync(A, "/v1/events/stream?topic=watched.a");
        await using var second = await SseReader.OpenAsync(B, "/v1/events/stream?topic=watched.b");

        foreach (var (sort, order) in ((string, string[])[])[("", ["a", "b"]), ("-", ["b", "a"])])
            await Eventually.HoldsAsync(
                async () =>
                {
                    await using var opened = await WatchAsync($"filter=Watched.&sort={sort}connectedAt");
                    return TopicsOf(opened.Events.First(), "connections").SequenceEqual(order);
                },
                "the snapshot has both connections in their order, and no other"
            );

        await using var watch = await WatchAsync("filter=watched.");
        await using var other = await SseReader.OpenAsync(A, "/v1/events/stream?topic=unwatched");
        await using var third = await SseReader.OpenAsync(A, "/v1/events/stream?topic=watched.c");

        await Eventually.HoldsAsync(
            () => Updates().SelectMany(e => TopicsOf(e, "upserted")).Contains("c"),
            "an update has the new connection"
        );
        Assert.All(Updates(), e => Assert.Empty(TopicsOf(e, "upserted").Except(["a", "b", "c"])));

        IEnumerable<Frame> Updates() => watch.Events.Where(e => e.Event == "update");

        static IEnumerable<string> TopicsOf(Frame frame, string rows) =>
            frame.Json().Items(rows).Select(row => row.Text("topics.0")!.Replace("watched.", ""));

        Task<SseReader> WatchAsync(string query) =>
            SseReader.OpenAsync(A, $"/v1/connections/stream?{query}").ToEventsAsync(1);
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("QUERY")]
    public async Task A_body_accepts_every_parameter_of_the_query(string method)
    {
        using var body = JsonContent.Create(new { last_event_id = 2, named = false });
        await using var reader = await SseReader
            .OpenAsync(A, "/items/stream", method: new(method), body: body)
            .ToEndAsync();
        Assert.Equal(("3", null), (Assert.Single(reader.Events).Id, reader.Events.Single().Event));
    }
}
