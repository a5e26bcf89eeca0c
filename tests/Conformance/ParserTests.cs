using System.Text;
using AspireSse.Client;
using AspireSse.Client.Reading;

namespace Conformance;

/// <summary>The standard's rules (HTML Living Standard §9.2.6) as the web platform tests ask for them, however the
/// bytes are cut.</summary>
public class ParserTests
{
    /// <summary>Name, stream, what is dispatched (type|data|last id), last id at the end.</summary>
    public static TheoryData<string, string, string[], string> Cases =>
        new()
        {
            {
                "field parsing",
                "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\n"
                    + "data:3\rdata:\r\n data:32\ndata:4\n\n",
                ["message|\0\n 2\n1\n3\n\n4|"],
                ""
            },
            {
                "unknown fields",
                "data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n",
                ["message|test\n\ntest|"],
                ""
            },
            {
                "event data",
                "data:msg\ndata:msg\n\n:\nfalsefield:msg\n\nfalsefield:msg\nData:data\n\ndata\n\ndata:end\n\n",
                ["message|msg\nmsg|", "message||", "message|end|"],
                ""
            },
            { "empty data", "data:\n\ndata\ndata\n\ndata:test\n\n", ["message||", "message|\n|", "message|test|"], "" },
            {
                "cut off by the end, with its id",
                "retry:1000\ndata:test1\n\nid:test\ndata:test2",
                ["message|test1|"],
                ""
            },
            { "cut off after a whole line, with its id", "id:1\ndata:a\n\nid:2\ndata:b\n", ["message|a|1"], "1" },
            { "cut off id alone", "id:1\ndata:a\n\nid:2\n", ["message|a|1"], "1" },
            { "cut off in the last line end", "id:1\r\ndata:a\r\n\r\nid:2\r\n", ["message|a|1"], "1" },
            { "one byte order mark", "\uFEFFdata:1\n\n\uFEFFdata:2\n\ndata:3\n\n", ["message|1|", "message|3|"], "" },
            { "two byte order marks", "\uFEFF\uFEFFdata:1\n\ndata:2\n\ndata:3\n\n", ["message|2|", "message|3|"], "" },
            { "byte order mark before a type without data", "\uFEFFevent:x\n\ndata:1\n\n", ["message|1|"], "" },
            {
                "comments",
                $"data:1\n:{new string('x', 4096)}\n:\0\n:\r\ndata:2\n"
                    + $":{new string('y', 4096)}\rdata:3\n:data:fail\ndata:4\n\n",
                ["message|1\n2\n3\n4|"],
                ""
            },
            {
                "mixed line ends",
                "data:test\r\ndata\ndata:test\r\n\r\ndata:a\r\rdata:b\n\r\ndata:c\r\n\n",
                ["message|test\n\ntest|", "message|a|", "message|b|", "message|c|"],
                ""
            },
            { "leading space", "data:\ttest\rdata: \ndata:test\n\n", ["message|\ttest\n\ntest|"], "" },
            { "UTF-8", "data:ok…\n\ndata:こんにちは🌱\n\n", ["message|ok…|", "message|こんにちは🌱|"], "" },
            { "NUL in data", "data:\0\n\n\n\n", ["message|\0|"], "" },
            { "type", "event:test\ndata:x\n\ndata:x\n\n", ["test|x|", "message|x|"], "" },
            { "empty type", "event: \ndata:data\n\n", ["message|data|"], "" },
            {
                "type without data ends with its block",
                "event:lost\n\ndata:x\n\nevent:lost\r\nid:5\r\n\r\ndata:y\r\n\r\n",
                ["message|x|", "message|y|5"],
                "5"
            },
            { "last of two types", "event:a\nevent:b\ndata:x\n\n", ["b|x|"], "" },
            { "id", "id:1\ndata:a\n\ndata:b\n\nid:…\ndata:c\n\n", ["message|a|1", "message|b|1", "message|c|…"], "…" },
            { "id alone", "id:7\n\n", [], "7" },
            {
                "id alone moves what follows",
                "id:1\ndata:a\n\nid:7\n\ndata:b\n\n: \n\n",
                ["message|a|1", "message|b|7"],
                "7"
            },
            { "bare id empties", "id:1\ndata:a\n\nid\n\ndata:b\n\n", ["message|a|1", "message|b|"], "" },
            { "empty id with data", "id:1\ndata:a\n\nid:\ndata:b\n\n", ["message|a|1", "message|b|"], "" },
            { "id with NUL", "id:1\ndata:a\n\nid:2\0x\ndata:b\n\n", ["message|a|1", "message|b|1"], "1" },
            { "data before the final empty line", "data:a\nid:3\n\n", ["message|a|3"], "3" },
            { "nothing", "", [], "" },
            { "empty lines", "\n\r\n\r\n\n", [], "" },
        };

    [Theory, MemberData(nameof(Cases))]
    public async Task Bytes_may_be_cut_anywhere(string name, string stream, string[] dispatched, string lastId)
    {
        Assert.NotEmpty(name);
        var bytes = Encoding.UTF8.GetBytes(stream);
        for (var cut = 0; cut <= bytes.Length; cut++)
            await CheckAsync([bytes[..cut], bytes[cut..]], dispatched, lastId);
        await CheckAsync([.. bytes.Select(b => new[] { b })], dispatched, lastId);
    }

    [Theory]
    [InlineData("retry:3000\n\n", 3000)]
    [InlineData("retry: 03000\n\n", 3000)]
    [InlineData("retry:3000\nretry:1000x\ndata:x\n\n", 3000)]
    [InlineData("retry:3000\n\nretry\n\n", 3000)]
    [InlineData("retry:3000\n\nretry:-5\n\n", 3000)]
    [InlineData("retry:1000x\n\n", null)]
    public async Task Retry_is_digits_only(string stream, int? milliseconds)
    {
        var cursor = new Cursor("");
        await ReadAsync([Encoding.UTF8.GetBytes(stream)], cursor);
        Assert.Equal(milliseconds, (int?)cursor.Retry?.TotalMilliseconds);
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
            new Chunks([Encoding.UTF8.GetBytes(stream)], endless: true),
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
            new Chunks(["id:1\ndata:a\n\nid:2\n\nid:3\ndata:b\n\n"u8.ToArray()]),
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
            new Chunks([.. body.Chunk(1_000)]),
            new Cursor(""),
            null,
            100_000,
            TestContext.Current.CancellationToken
        );
        Assert.Equal(90_000, (await reader.NextAsync())!.Utf8Data.Length);
        var e = await Assert.ThrowsAsync<SseException>(async () => await reader.NextAsync());
        Assert.Equal(SseError.EventTooLarge, e.Error);
    }

    private static async Task CheckAsync(byte[][] parts, string[] dispatched, string lastId)
    {
        var cursor = new Cursor("");
        Assert.Equal(dispatched, await ReadAsync(parts, cursor));
        Assert.Equal(lastId, cursor.LastEventId);
    }

    private static async Task<List<string>> ReadAsync(byte[][] parts, Cursor cursor)
    {
        var events = new List<string>();
        using var reader = new EventReader(
            new Chunks(parts),
            cursor,
            null,
            1 << 20,
            TestContext.Current.CancellationToken
        );
        while (await reader.NextAsync() is { } e)
            events.Add($"{e.Type}|{e.Data}|{e.Id}");
        return events;
    }
}
