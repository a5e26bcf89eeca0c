using System.Text;
using Streaming.Connections;

namespace Core.Streaming;

/// <summary>Deadlines of a stream that began at 1,000.</summary>
public sealed class StreamDeadlinesTests
{
    [Theory]
    [InlineData(1_999, null)]
    [InlineData(2_000, EndReason.Drained)]
    [InlineData(3_000, EndReason.Aged)]
    [InlineData(4_000, EndReason.Unauthorized)]
    internal void A_stream_ends_with_the_stop_of_the_server_its_age_and_its_right(long now, EndReason? end)
    {
        var deadlines = Deadlines(endsAt: 4_000, maxAge: 2_000);
        deadlines.DrainAt = 2_000;
        Assert.Equal(end, deadlines.EndAt(now));
        Assert.Equal(end == EndReason.Unauthorized, deadlines.HasExpired(now));
    }

    [Fact]
    public void A_client_learns_once_that_its_right_ends_soon()
    {
        var deadlines = Deadlines(renewAt: 2_000);
        Assert.Null(deadlines.TakeNotice(1_999));
        Assert.Equal(
            "event: unauthorized\ndata: {\"reason\":\"expiring\",\"expiresAt\":\"1970-01-01T00:00:00Z\"}\n\n",
            Encoding.UTF8.GetString(deadlines.TakeNotice(2_000)!)
        );
        Assert.Null(deadlines.TakeNotice(2_001));
    }

    [Fact]
    public void A_stream_is_quiet_after_its_seconds_without_a_write()
    {
        var deadlines = Deadlines();
        Assert.False(deadlines.IsQuiet(15_999));
        Assert.True(deadlines.IsQuiet(16_000));
        deadlines.WrittenAt = 1_001;
        Assert.False(deadlines.IsQuiet(16_000));
    }

    private static StreamDeadlines Deadlines(
        long endsAt = long.MaxValue,
        long renewAt = long.MaxValue,
        long maxAge = long.MaxValue
    ) => LoopStream.Deadlines(1_000, new ExpiryTimes(DateTimeOffset.UnixEpoch, endsAt, renewAt), maxAge);
}
