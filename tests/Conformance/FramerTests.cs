using System.Net.ServerSentEvents;
using System.Text;
using Streaming.Frames;

namespace Conformance;

public class FramerTests
{
    [Fact]
    public void A_frame_has_its_fields_in_order_and_ends_in_an_empty_line() =>
        Assert.Equal(
            "event: hello\nretry: 2000\ndata: {\"n\":1}\nid: e-1\n\n",
            Text("{\"n\":1}", "hello", "e-1", 2000)
        );

    [Theory]
    [InlineData("a\nb")]
    [InlineData("a\rb")]
    [InlineData("a\r\nb")]
    public void Every_kind_of_line_end_in_data_starts_a_new_data_line(string text) =>
        Assert.Equal("data: a\ndata: b\n\n", Text(text));

    [Theory]
    [InlineData("x\n\nevent: forged\ndata: y")]
    [InlineData("x\r\rid: 7\r")]
    [InlineData("\ndata: z\n\n")]
    [InlineData("日本語\r\n二行目\n")]
    public void Any_text_arrives_as_one_event(string text)
    {
        var events = Parse(text, "real");
        var only = Assert.Single(events);
        Assert.Equal("real", only.EventType);
        Assert.Equal(text.ReplaceLineEndings("\n"), only.Data);
    }

    [Theory]
    [InlineData("1\n2")]
    [InlineData("1\r2")]
    [InlineData("1\02")]
    public void An_id_that_would_end_its_line_is_refused(string id) =>
        Assert.Throws<ArgumentException>(() => Text("x", id: id));

    [Theory]
    [InlineData("a\ndata: forged")]
    [InlineData("a\r")]
    public void An_event_name_that_would_end_its_line_is_refused(string name) =>
        Assert.Throws<ArgumentException>(() => Text("x", name));

    [Fact]
    public void A_comment_stays_a_comment_on_every_line_and_no_empty_line_follows() =>
        Assert.Equal(": one\n: data: two\n", Encoding.UTF8.GetString(SseFrame.Comment("one\ndata: two")));

    /// <summary>A reconnection time in a frame of its own would be an empty message to some clients.</summary>
    [Theory]
    [InlineData("data: x\n\n", "retry: 7\ndata: x\n\n")]
    [InlineData("event: a\ndata: x\n\ndata: y\n\n", "event: a\nretry: 7\ndata: x\n\ndata: y\n\n")]
    [InlineData(": one\n: two\nevent: a\ndata: x\n\n", ": one\n: two\nevent: a\nretry: 7\ndata: x\n\n")]
    [InlineData("event: a\nretry: 9\ndata: x\n\n", "event: a\nretry: 9\ndata: x\n\n")]
    [InlineData("data: x\n\nevent: a\nretry: 9\ndata: y\n\n", "retry: 7\ndata: x\n\nevent: a\nretry: 9\ndata: y\n\n")]
    [InlineData("data: x\ndata: retry: 9\n\n", "retry: 7\ndata: x\ndata: retry: 9\n\n")]
    [InlineData(": heartbeat\n", null)]
    public void The_first_frame_gets_the_reconnection_time_if_it_has_none(string frames, string? expected) =>
        Assert.Equal(
            expected,
            SseFrame.WithRetry(Encoding.UTF8.GetBytes(frames), 7) is { } first ? Encoding.UTF8.GetString(first) : null
        );

    [Fact]
    public void Empty_data_is_still_dispatched() => Assert.Equal("", Assert.Single(Parse("")).Data);

    private static string Text(string data, string? name = null, string? id = null, int? retry = null) =>
        Encoding.UTF8.GetString(SseFrame.ToBytes(Encoding.UTF8.GetBytes(data), name, id, retry));

    private static List<SseItem<string>> Parse(string data, string? name = null)
    {
        using var stream = new MemoryStream(SseFrame.ToBytes(Encoding.UTF8.GetBytes(data), name));
        return [.. SseParser.Create(stream).Enumerate()];
    }
}
