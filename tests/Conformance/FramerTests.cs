using System.Net.ServerSentEvents;
using System.Text;
using Streaming.Frames;

namespace Conformance;

public class FramerTests
{
    [Fact]
    public void A_frame_has_its_fields_in_order_and_ends_in_an_empty_line() =>
        Assert.Equal(
            "id: e-1\nevent: hello\nretry: 2000\ndata: {\"n\":1}\n\n",
            Text(f => f.Id("e-1").Event("hello").Retry(2000).Data("{\"n\":1}"u8).End())
        );

    [Theory]
    [InlineData("a\nb")]
    [InlineData("a\rb")]
    [InlineData("a\r\nb")]
    public void Every_kind_of_line_end_in_data_starts_a_new_data_line(string text) =>
        Assert.Equal("data: a\ndata: b\n\n", Text(f => f.Data(text).End()));

    [Theory]
    [InlineData("x\n\nevent: forged\ndata: y")]
    [InlineData("x\r\rid: 7\r")]
    [InlineData("\ndata: z\n\n")]
    [InlineData("日本語\r\n二行目\n")]
    public void Any_text_arrives_as_one_event(string text)
    {
        var events = Parse(f => f.Event("real").Data(text).End());
        var only = Assert.Single(events);
        Assert.Equal("real", only.EventType);
        Assert.Equal(text.ReplaceLineEndings("\n"), only.Data);
    }

    [Theory]
    [InlineData("1\n2")]
    [InlineData("1\r2")]
    [InlineData("1\02")]
    public void An_id_that_would_end_its_line_is_refused(string id) =>
        Assert.Throws<ArgumentException>(() => Text(f => f.Id(id).End()));

    [Theory]
    [InlineData("a\ndata: forged")]
    [InlineData("a\r")]
    public void An_event_name_that_would_end_its_line_is_refused(string name) =>
        Assert.Throws<ArgumentException>(() => Text(f => f.Event(name).End()));

    [Fact]
    public void A_comment_stays_a_comment_on_every_line() =>
        Assert.Equal(": one\n: data: two\n\n", Text(f => f.Comment("one\ndata: two").End()));

    [Fact]
    public void Empty_data_is_still_dispatched() => Assert.Equal("", Assert.Single(Parse(f => f.Data("").End())).Data);

    private static string Text(Action<SseFrame> write) => Encoding.UTF8.GetString(SseFrame.ToBytes(write));

    private static List<SseItem<string>> Parse(Action<SseFrame> write)
    {
        using var stream = new MemoryStream(SseFrame.ToBytes(write));
        return [.. SseParser.Create(stream).Enumerate()];
    }
}
