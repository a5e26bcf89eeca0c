using System.Text;
using EventStore;

namespace Unit.EventStore;

public class StreamIdTests
{
    [Theory]
    [InlineData("0a8e738155-7", "0a8e738155", 7)]
    [InlineData("a-b.c-0", "a-b.c", 0)]
    public void An_id_is_an_epoch_and_a_position(string text, string epoch, long position)
    {
        Assert.True(StreamId.TryParse(text, out var id));
        Assert.Equal(new StreamId(epoch, position), id);
        Assert.Equal(text, id.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("-7")]
    [InlineData("e-")]
    [InlineData("e-+7")]
    [InlineData("e- 7")]
    [InlineData("e<-7")]
    [InlineData("e-99999999999999999999")]
    public void A_foreign_id_is_not_parsed(string text) => Assert.False(StreamId.TryParse(text, out _));

    [Fact]
    public void An_id_longer_than_browsers_send_without_preflight_is_refused() =>
        Assert.False(StreamId.TryParse(new string('e', 127) + "-1", out _));

    [Fact]
    public void A_relay_message_comes_out_as_it_went_in()
    {
        EventRecord[] events =
        [
            new(
                7,
                Guid.NewGuid(),
                "a.b",
                "type \"x\"",
                "鍵😀",
                Encoding.UTF8.GetBytes("""{"n":[1,2,{"x":null}]}"""),
                DateTimeOffset.UtcNow,
                null
            ),
            new(
                9,
                Guid.NewGuid(),
                "c",
                "t",
                null,
                "\"}]\""u8.ToArray(),
                DateTimeOffset.UtcNow,
                "00-b4594c970f7afcf777e1ecbc884c192d-9d657c5aa82a6962-01"
            ),
        ];
        var read = RelayMessage.Parse(new RelayMessage("epoch", 3, 6, 9, events, "tp").ToBytes());
        Assert.Equal(("epoch", 3L, 6L, 9L, "tp"), (read.Epoch, read.Fence, read.Previous, read.Last, read.TraceParent));
        Assert.Equal(events.Select(e => e with { Data = default }), read.Events.Select(e => e with { Data = default }));
        Assert.Equal(
            events.Select(e => Encoding.UTF8.GetString(e.Data.Span)),
            read.Events.Select(e => Encoding.UTF8.GetString(e.Data.Span))
        );
    }

    [Fact]
    public void A_relay_message_that_lacks_data_is_none_to_a_receiver_which_does_not_know_of_that()
    {
        var whole = new EventRecord(7, Guid.NewGuid(), "a", "t", null, "1"u8.ToArray(), DateTimeOffset.UtcNow, null);
        string Text(params EventRecord[] events) =>
            Encoding.UTF8.GetString(new RelayMessage("epoch", 3, 6, events[^1].Position, events, null).ToBytes());
        Assert.StartsWith("""{"version":1,""", Text(whole), StringComparison.Ordinal);
        var lacking = Text(whole, whole with { Position = 8, Data = default });
        Assert.StartsWith("""{"version":2,""", lacking, StringComparison.Ordinal);
        Assert.Equal([1, 0], RelayMessage.Parse(Encoding.UTF8.GetBytes(lacking)).Events.Select(e => e.Data.Length));
    }
}
