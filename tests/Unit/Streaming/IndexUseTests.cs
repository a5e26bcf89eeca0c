using Streaming.Feed;
using Unit.Client;

namespace Unit.Streaming;

public sealed class IndexUseTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly ManualTime _clock = new();

    [Fact]
    public void Many_indexes_without_an_event_for_the_readers_are_left()
    {
        var use = new IndexUse(Limit, _clock);
        Receive(use, 300);
        _clock.Advance(Limit - TimeSpan.FromSeconds(1));
        Assert.False(use.IsLeft());
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(use.IsLeft());
        // None comes any more, which is no reason to return.
        _clock.Advance(10 * Limit);
        Assert.True(use.IsLeft());
        Assert.True(use.Needed());
        Assert.False(use.IsLeft());
    }

    [Fact]
    public void An_event_for_the_readers_begins_the_time_anew()
    {
        var use = new IndexUse(Limit, _clock);
        Receive(use, 1_000);
        _clock.Advance(Limit - TimeSpan.FromSeconds(1));
        Assert.False(use.Needed());
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.False(use.IsLeft());
    }

    [Fact]
    public void Few_indexes_are_kept()
    {
        var use = new IndexUse(Limit, _clock);
        for (var n = 0; n < 3; n++)
        {
            Receive(use, 299);
            _clock.Advance(Limit);
            Assert.False(use.IsLeft());
        }
    }

    [Fact]
    public void A_limit_of_zero_keeps_the_indexes()
    {
        var use = new IndexUse(TimeSpan.Zero, _clock);
        Receive(use, 1_000);
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.False(use.IsLeft());
    }

    private static void Receive(IndexUse use, int indexes)
    {
        for (var n = 0; n < indexes; n++)
            use.IndexReceived();
    }
}
