using System.Globalization;
using EventStore;
using Streaming.Connections;
using Streaming.Frames;

namespace Core.Streaming;

/// <summary>Ends of streams, and their last frames.</summary>
public sealed class StreamEndTests
{
    private static readonly DateTimeOffset Until = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly ExpiryTimes Expired = new(Until, EndsAt: 0, RenewAt: long.MaxValue);

    private const string Resync =
        "event: resync\n" + """data: {"reason":"epoch","requested":"e-10","resumedFrom":"new-3"}""";

    private readonly LoopRig _loop = new();

    public StreamEndTests() => _loop.Rings.Reset(Lineage.Alone("e"), 10);

    [Theory]
    [InlineData(EndReason.Drained, 5_000)]
    [InlineData(EndReason.Aged, 1_000)]
    [InlineData(EndReason.TooSlow, 1_000)]
    [InlineData(EndReason.Stalled, 1_000)]
    [InlineData(EndReason.Outdated, 1_000)]
    internal void A_client_that_may_return_gets_a_reconnection_time(EndReason reason, int shortest)
    {
        var stream = End(reason);
        var retry = stream.Text.Split('\n').Single(line => line.StartsWith("retry: ", StringComparison.Ordinal));
        var milliseconds = int.Parse(retry["retry: ".Length..], CultureInfo.InvariantCulture);
        Assert.InRange(milliseconds, shortest, shortest + 2_000);
        Assert.Equal($"event: position\nretry: {milliseconds}\ndata: {{}}\n\n", stream.Text);
    }

    [Fact]
    public void A_client_whose_events_cannot_be_read_learns_that_nothing_is_lost_and_when_to_return()
    {
        var text = End(EndReason.Failed).Text;
        Assert.StartsWith(
            "event: error\ndata: {\"error\":\"The event log cannot be read",
            text,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "\"fatal\":false,\"reason\":\"unavailable\"}\n\nevent: position\nretry: ",
            text,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(EndReason.Unauthorized, "expired")]
    [InlineData(EndReason.Replaced, "replaced")]
    internal void A_client_without_the_right_to_read_learns_why(EndReason reason, string why) =>
        Assert.Equal(
            $"event: unauthorized\ndata: {{\"reason\":\"{why}\",\"expiresAt\":\"2026-01-02T03:04:05Z\"}}\n\n",
            End(reason, new(Expiry: new(Until, long.MaxValue, long.MaxValue))).Text
        );

    [Theory]
    [InlineData(EndReason.Complete)]
    [InlineData(EndReason.Closed)]
    [InlineData(EndReason.Dead)]
    [InlineData(EndReason.ClientGone)]
    internal void Other_streams_end_without_a_frame(EndReason reason) => Assert.Equal("", End(reason).Text);

    /// <summary>RFC 9112 §7.1: without the last chunk, a client takes the end for a lost connection.</summary>
    [Theory]
    [InlineData(EndReason.Complete, "0\r\n\r\n")]
    [InlineData(EndReason.Closed, "0\r\n\r\n")]
    [InlineData(EndReason.ClientGone, "")]
    internal void The_body_of_a_stream_on_its_own_socket_ends_with_the_last_chunk(EndReason reason, string sent) =>
        Assert.Equal(sent, End(reason, new(Chunked: true)).Text);

    [Fact]
    public void A_stream_ends_once_with_its_first_reason_and_its_log_has_one_reader_less()
    {
        var stream = End(EndReason.Closed);
        _loop.Writer.End(stream.Connection, EndReason.Drained);
        _loop.Writer.Abandon(stream.Connection, EndReason.Dead);
        Assert.Equal((EndReason.Closed, ""), (stream.Connection.End, stream.Text));
        Assert.True(stream.Connection.Ended.IsCompleted);
        Assert.Equal(0, stream.Connection.Ring.Loops[0].Users);
    }

    [Fact]
    public void A_stream_whose_client_does_not_read_ends_at_once_except_a_complete_one()
    {
        var (closed, complete) = (Busy(), Busy());
        _loop.Writer.End(closed, EndReason.Drained);
        _loop.Writer.End(complete, EndReason.Complete);
        Assert.Equal((EndReason.Drained, null), (closed.End, complete.End));
        Assert.Equal(EndReason.Complete, complete.EndAfterWrite);
    }

    [Fact]
    public void A_complete_stream_ends_when_its_client_has_read_the_rest()
    {
        var stream = LoopStream.Open(_loop);
        stream.Connection.EndOnceTaken(EndReason.Complete);
        _loop.Rings.Publish([LoopStream.Event(11)], 11);
        _loop.Writer.Pump(stream.Connection);
        Assert.Equal((EndReason.Complete, ""), (stream.Connection.End, stream.Text));
    }

    [Fact]
    public void Nothing_is_delivered_after_the_right_to_read_has_ended()
    {
        var stream = LoopStream.Open(_loop, new(Expiry: Expired));
        _loop.Rings.Publish([LoopStream.Event(11)], 11);
        _loop.Writer.Pump(stream.Connection);
        Assert.Equal((EndReason.Unauthorized, 0L), (stream.Connection.End, stream.Connection.Delivered));
        Assert.StartsWith("event: unauthorized\ndata: {\"reason\":\"expired\"", stream.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("e-11", stream.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_event_that_ends_a_stream_is_its_last_one()
    {
        var stream = LoopStream.Open(_loop, format: NamedFormatChoice.Of(_ => true, ["done"]).For(null));
        _loop.Rings.Publish([LoopStream.Event(11), LoopStream.Event(12, "done"), LoopStream.Event(13)], 13);
        _loop.Writer.Pump(stream.Connection);
        Assert.Equal((EndReason.Complete, 2L), (stream.Connection.End, stream.Connection.Delivered));
        Assert.EndsWith("event: done\ndata: 1\nid: e-12\n\n", stream.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, null, Resync)]
    [InlineData(true, EndReason.Outdated, "retry: ")]
    internal void In_a_new_history_a_stream_is_told_and_goes_on_unless_it_has_a_beginning(
        bool isFinite,
        EndReason? end,
        string says
    )
    {
        var stream = LoopStream.Open(_loop, new(IsFinite: isFinite));
        _loop.Rings.Reset(Lineage.Alone("new"), 3);
        _loop.Writer.Pump(stream.Connection);
        Assert.Contains(says, stream.Text, StringComparison.Ordinal);
        Assert.Equal(end, stream.Connection.End);

        if (!isFinite)
            Assert.Equal(new StreamPosition("new", 3), stream.Connection.StreamPosition);
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(200_000, null)]
    [InlineData(300_000, EndReason.Dead)]
    internal void A_client_that_takes_nothing_for_five_minutes_is_dead(int milliseconds, EndReason? end)
    {
        var stalled = Busy(milliseconds);
        Tick();
        Assert.Equal(end, stalled.End);
    }

    [Theory]
    [InlineData(true, EndReason.Aged, "event: position\nretry: ")]
    [InlineData(false, EndReason.Unauthorized, "event: unauthorized")]
    internal void A_quiet_stream_ends_with_its_age_and_with_its_right(bool isOld, EndReason end, string says)
    {
        var stream = LoopStream.Open(_loop, isOld ? new(MaxAge: 0) : new(Expiry: Expired));
        Tick();
        Assert.Equal(end, stream.Connection.End);
        Assert.StartsWith(says, stream.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_quiet_stream_whose_heartbeat_fails_unexpectedly_ends_alone()
    {
        var quiet = new LoopStream.LoopSettings(QuietMilliseconds: 60_000);
        var failing = LoopStream.Open(_loop, quiet, output: new FailingOutput(_loop.Pending));
        var other = LoopStream.Open(_loop, quiet);
        Tick();
        Assert.Equal((EndReason.Failed, null), (failing.Connection.End, other.Connection.End));
        Assert.NotEmpty(other.Text);
    }

    /// <summary>Visits every stream once, in as many slices as that takes.</summary>
    private void Tick()
    {
        do _loop.Timers.TickIfDue();
        while (_loop.Timers.IsUnderWay);
    }

    private StreamConnection Busy(int milliseconds = 0) =>
        LoopStream.Open(_loop, new(QuietMilliseconds: milliseconds), output: new BusyOutput(_loop.Pending)).Connection;

    private LoopStream End(EndReason reason, LoopStream.LoopSettings? settings = null)
    {
        var stream = LoopStream.Open(_loop, settings);
        _loop.Writer.End(stream.Connection, reason);
        Assert.Equal(reason, stream.Connection.End);
        return stream;
    }
}
