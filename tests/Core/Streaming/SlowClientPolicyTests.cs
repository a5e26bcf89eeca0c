using EventStore;
using Streaming.Connections;
using Streaming.Fanout;

namespace Core.Streaming;

/// <summary>Clients that do not keep up, by their policy (<c>?slow=</c>).</summary>
public sealed class SlowClientPolicyTests
{
    private readonly SseOptions _options = new();
    private readonly LoopRig _loop = new();

    public SlowClientPolicyTests() => _loop.Rings.Reset(Lineage.Alone("e"), 10);

    [Theory]
    [InlineData(null, SlowClientPolicy.CatchUp)]
    [InlineData("", SlowClientPolicy.CatchUp)]
    [InlineData("catch-up", SlowClientPolicy.CatchUp)]
    [InlineData("latest", SlowClientPolicy.Latest)]
    [InlineData("disconnect", SlowClientPolicy.Disconnect)]
    [InlineData("Latest", null)]
    [InlineData("never", null)]
    internal void A_client_names_its_policy_exactly(string? text, SlowClientPolicy? policy) =>
        Assert.Equal(policy, SlowClientRule.Parse(text));

    [Theory]
    [InlineData(SlowClientPolicy.Disconnect, 9_999, null)]
    [InlineData(SlowClientPolicy.Disconnect, 10_000, EndReason.TooSlow)]
    [InlineData(SlowClientPolicy.CatchUp, 299_999, null)]
    [InlineData(SlowClientPolicy.CatchUp, 300_000, EndReason.Dead)]
    [InlineData(SlowClientPolicy.Latest, 299_999, null)]
    [InlineData(SlowClientPolicy.Latest, 300_000, EndReason.Dead)]
    internal void A_client_that_wants_no_lag_is_ended_after_ten_seconds_and_others_after_five_minutes(
        SlowClientPolicy slow,
        int milliseconds,
        EndReason? end
    ) => Assert.Equal(end, SlowClientRule.EndOf(Stream(slow), milliseconds, _options, isFull: true));

    [Theory]
    [InlineData(SlowClientPolicy.Disconnect, ReaderPace.Slow, 15_000, true)]
    [InlineData(SlowClientPolicy.Disconnect, ReaderPace.Slow, 14_999, false)]
    [InlineData(SlowClientPolicy.Disconnect, ReaderPace.Behind, 15_000, false)]
    [InlineData(SlowClientPolicy.Disconnect, ReaderPace.KeepsUp, 15_000, false)]
    [InlineData(SlowClientPolicy.CatchUp, ReaderPace.Slow, 15_000, false)]
    internal void A_client_that_wants_no_lag_and_reads_too_slowly_is_ended_after_ten_seconds(
        SlowClientPolicy slow,
        ReaderPace pace,
        long now,
        bool lags
    )
    {
        var stream = LoopStream.Open(_loop, new(slow)).Connection;
        if (pace != ReaderPace.Behind)
            stream.CaughtUp();
        if (pace == ReaderPace.Slow)
            MakeSlow(stream);
        Assert.Equal(lags, SlowClientRule.LagsTooLong(stream, now, _options));
    }

    [Fact]
    public void A_client_that_has_had_every_event_is_not_slow_any_more()
    {
        var stream = LoopStream.Open(_loop, new(SlowClientPolicy.Disconnect)).Connection;
        stream.CaughtUp();
        MakeSlow(stream);
        _loop.Rings.Publish([LoopStream.Event(11)], 11);
        _loop.Writer.Pump(stream);
        Assert.Equal(ReaderPace.KeepsUp, stream.Pace);
    }

    [Theory]
    [InlineData(3_000, true, true, EndReason.TooSlow)]
    [InlineData(2_999, true, true, null)]
    [InlineData(3_000, false, true, null)]
    [InlineData(3_000, true, false, null)]
    internal void A_client_that_wants_no_lag_holds_no_page_for_three_seconds_while_memory_is_short(
        int milliseconds,
        bool hasPage,
        bool isFull,
        EndReason? end
    )
    {
        var stream = Stream(SlowClientPolicy.Disconnect);
        stream.BeginCatchUp().Page = hasPage ? new ReplayPage("e", 0, [], 20) : null;
        Assert.Equal(end, SlowClientRule.EndOf(stream, milliseconds, _options, isFull));
    }

    [Fact]
    public void A_client_that_wants_the_newest_gets_the_newest_of_each_key_and_the_range_that_it_missed()
    {
        var stream = LoopStream.Open(_loop, new(SlowClientPolicy.Latest));
        MakeSlow(stream.Connection);
        _loop.Rings.Publish(
            [
                LoopStream.Event(11, key: "a"),
                LoopStream.Event(12, key: "b"),
                LoopStream.Event(13, key: "a"),
                LoopStream.Event(14),
            ],
            14
        );
        _loop.Writer.Pump(stream.Connection);
        Assert.Equal(
            """
            event: skipped
            data: {"from":"e-11","to":"e-11","count":1}

            event: n
            data: 1
            id: e-12

            event: n
            data: 1
            id: e-13

            event: n
            data: 1
            id: e-14


            """.ReplaceLineEndings("\n"),
            stream.Text
        );
        Assert.Equal((14, 3), (stream.Connection.Position, stream.Connection.Delivered));
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 2)]
    public void A_client_that_took_each_event_at_once_or_lacks_only_one_misses_nothing(bool wasBusy, int events)
    {
        var stream = LoopStream.Open(_loop, new(SlowClientPolicy.Latest));
        stream.Connection.CaughtUp();
        if (wasBusy)
            MakeSlow(stream.Connection);
        _loop.Rings.Publish([.. Enumerable.Range(11, events).Select(n => LoopStream.Event(n, key: "a"))], 10 + events);
        _loop.Writer.Pump(stream.Connection);
        Assert.Equal(events, stream.Connection.Delivered);
        Assert.DoesNotContain("skipped", stream.Text, StringComparison.Ordinal);
    }

    /// <summary>Has the client take a write of the time 5,000 late.</summary>
    private static void MakeSlow(StreamConnection stream)
    {
        stream.Wrote(0, now: 5_000);
        stream.TookWrite(now: 10_000);
        Assert.Equal(ReaderPace.Slow, stream.Pace);
    }

    private StreamConnection Stream(SlowClientPolicy slow) =>
        LoopStream.Open(_loop, new(slow), output: new BusyOutput(_loop.Pending)).Connection;
}
