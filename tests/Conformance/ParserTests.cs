using System.Text;
using AspireSse.Client;
using AspireSse.Client.Reading;

namespace Conformance;

/// <summary>The standard's rules (HTML Living Standard §9.2.6) as the web platform tests ask for them, however the
/// bytes are cut.</summary>
public class ParserTests
{
    /// <summary>The names of the cases of all clients (<c>clients/cases/parsing.json</c>).</summary>
    public static TheoryData<string> Names => [.. ParsingCase.All.Keys];

    [Theory, MemberData(nameof(Names))]
    public async Task Bytes_may_be_cut_anywhere(string name)
    {
        var expected = ParsingCase.All[name];
        var bytes = Encoding.UTF8.GetBytes(expected.Stream);
        for (var cut = 0; cut <= bytes.Length; cut++)
            await CheckAsync([bytes[..cut], bytes[cut..]], expected);
        await CheckAsync([.. bytes.Select(b => new[] { b })], expected);
    }

    [Fact]
    public async Task A_retry_of_any_length_is_a_long_time()
    {
        var cursor = new Cursor("");
        await ReadAsync([Encoding.UTF8.GetBytes($"retry:{new string('9', 5_000)}\n\n")], cursor);
        Assert.True(cursor.Retry > TimeSpan.FromDays(1));
    }

    [Fact]
    public async Task Comments_of_any_length_are_ignored_and_do_not_count_against_the_limit()
    {
        const int Limit = 10_000;
        var comment = $":{new string('x', Limit / 2)}";
        var stream = Encoding.UTF8.GetBytes($"{comment}\ndata:1\n{comment}\r\n{comment}\r{comment}\nid:7\ndata:2\n\n");
        using var reader = new EventReader(
            new ChunkedStream([.. stream.Chunk(1_000)]),
            new Cursor(""),
            null,
            Limit,
            TestContext.Current.CancellationToken
        );
        var received = (await reader.NextAsync())!;

        Assert.Equal(("1\n2", "7"), (received.Data, received.Id));
    }

    [Theory]
    [InlineData("data:x\n\n", "before")]
    [InlineData(": \n\n", "before")]
    [InlineData("id\n\n", "")]
    [InlineData("id:next\n\n", "next")]
    [InlineData("id:next\n", "before")]
    public async Task The_clients_first_id_stays_until_the_server_sends_one(string stream, string expected)
    {
        var cursor = new Cursor("before");
        await ReadAsync([Encoding.UTF8.GetBytes(stream)], cursor);
        Assert.Equal(expected, cursor.LastEventId);
    }

    [Theory]
    [InlineData("data:x\r\r")]
    [InlineData("data:x\r\n\r")]
    [InlineData("data:x\n\n")]
    public async Task An_event_is_handed_on_as_soon_as_its_empty_line_is_there(string stream)
    {
        using var reader = new EventReader(
            new ChunkedStream([Encoding.UTF8.GetBytes(stream)], endless: true),
            new Cursor(""),
            null,
            1 << 20,
            TestContext.Current.CancellationToken
        );
        Assert.Equal("x", (await reader.NextAsync())!.Data);
    }

    [Fact]
    public async Task The_last_id_is_never_ahead_of_the_dispatched_events()
    {
        var cursor = new Cursor("");
        using var reader = new EventReader(
            new ChunkedStream(["id:1\ndata:a\n\nid:2\n\nid:3\ndata:b\n\n"u8.ToArray()]),
            cursor,
            null,
            1 << 20,
            TestContext.Current.CancellationToken
        );
        await reader.NextAsync();
        Assert.Equal("1", cursor.LastEventId);
        await reader.NextAsync();
        Assert.Equal("3", cursor.LastEventId);
    }

    [Fact]
    public async Task An_event_beyond_the_limit_ends_the_stream_and_one_within_it_passes()
    {
        var body = Encoding.UTF8.GetBytes($"data:{new string('x', 90_000)}\n\ndata:{new string('y', 200_000)}\n\n");
        using var reader = new EventReader(
            new ChunkedStream([.. body.Chunk(1_000)]),
            new Cursor(""),
            null,
            100_000,
            TestContext.Current.CancellationToken
        );
        Assert.Equal(90_000, (await reader.NextAsync())!.Utf8Data.Length);

        var exception = await Assert.ThrowsAsync<SseException>(async () => await reader.NextAsync());
        Assert.Equal(SseError.EventTooLarge, exception.Error);
    }

    private static async Task CheckAsync(byte[][] parts, ParsingCase expected)
    {
        var cursor = new Cursor("");
        Assert.Equal(expected.Events.Select(e => string.Join('|', e)), await ReadAsync(parts, cursor));
        Assert.Equal(expected.LastId, cursor.LastEventId);
        Assert.Equal(expected.Retry, cursor.Retry?.TotalMilliseconds);
    }

    private static async Task<List<string>> ReadAsync(byte[][] parts, Cursor cursor)
    {
        var events = new List<string>();
        using var reader = new EventReader(
            new ChunkedStream(parts),
            cursor,
            null,
            1 << 20,
            TestContext.Current.CancellationToken
        );
        try
        {
            while (await reader.NextAsync() is { } received)
                events.Add($"{received.Type}|{received.Data}|{received.Id}");
        }
        catch (IOException)
        {
            // The end of a part of an event, which the standard drops: the client comes again for it.
        }

        return events;
    }
}
