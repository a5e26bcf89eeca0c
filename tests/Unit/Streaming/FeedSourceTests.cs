using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Feed;
using Unit.Client;

namespace Unit.Streaming;

public sealed class FeedSourceTests
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(2);

    private readonly ManualTime _clock = new();

    /// <summary>Waiting for a message again would stop the delivery for that time.</summary>
    [Fact]
    public void Once_messages_are_missing_none_is_waited_for_until_one_comes()
    {
        var source = new FeedSource(Silence, _clock, NullLogger.Instance);
        Assert.Equal(Silence, source.TimeLeft);
        _clock.Advance(Silence);
        Assert.Equal(TimeSpan.Zero, source.TimeLeft);
        source.MessagesMissing();
        source.Restart();
        Assert.Equal(TimeSpan.Zero, source.TimeLeft);
        source.MessageReceived();
        Assert.Equal((Silence, FeedMode.Live), (source.TimeLeft, source.Mode));
    }
}
