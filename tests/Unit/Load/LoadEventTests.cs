using LoadTests.Loads;
using Measuring.Ledger;

namespace Unit.Load;

public class LoadEventTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(120)]
    public void Written_data_are_read_back_also_by_the_ledger(int bytes)
    {
        var json = LoadEvent.Json(3, 17, 1_760_000_000_123_456_700, bytes);
        Assert.True(LoadEvent.TryRead(json, out var publisher, out var sequence, out var publishedAt));
        Assert.Equal((3, 17L, 1_760_000_000_123_456_700L), (publisher, sequence, publishedAt));
        Assert.True(Stamp.TryRead(json, out var stamped, out var stampedSequence));
        Assert.Equal((3, 17L), (stamped, stampedSequence));
        if (bytes > 0)
            Assert.Equal(bytes, json.Length);
    }

    [Theory]
    [InlineData("""{"text":"hello"}""")]
    [InlineData("""{"publisher":-1,"sequence":1,"t":1}""")]
    [InlineData("""{"publisher":1,"sequence":"x","t":1}""")]
    [InlineData("")]
    public void Another_s_event_is_none_of_ours(string json) =>
        Assert.False(LoadEvent.TryRead(System.Text.Encoding.UTF8.GetBytes(json), out _, out _, out _));
}
