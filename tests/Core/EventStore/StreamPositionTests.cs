namespace Core.EventStore;

public class StreamPositionTests
{
    [Theory]
    [InlineData("0a8e738155-7", "0a8e738155", 7)]
    [InlineData("a-b.c-0", "a-b.c", 0)]
    public void An_id_is_an_epoch_and_a_position(string text, string epoch, long position)
    {
        Assert.True(StreamPosition.TryParse(text, out var id));
        Assert.Equal(new StreamPosition(epoch, position), id);
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
    public void A_foreign_id_is_not_parsed(string text) => Assert.False(StreamPosition.TryParse(text, out _));

    [Fact]
    public void An_id_longer_than_browsers_send_without_preflight_is_refused() =>
        Assert.False(StreamPosition.TryParse(new string('e', 127) + "-1", out _));
}
