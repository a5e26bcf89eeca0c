using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;
using Unit.Client;

namespace Unit.Streaming;

public sealed class LoopInboxTests : IDisposable
{
    private readonly FilterLog _log = new(
        new StreamFilter(["t"], [], [], PlainFormat.Named),
        maxFrames: 16,
        maxBytes: 1_000
    )
    {
        Loops = [new LoopUse { Users = 1 }],
    };
    private readonly ManualTime _clock = new();
    private readonly WritePacing _pacing;
    private readonly LoopInbox<int> _inbox;

    public LoopInboxTests()
    {
        _pacing = new WritePacing(maxMilliseconds: 10, _clock);
        _inbox = new LoopInbox<int>(loop: 0, _pacing);
    }

    [Fact]
    public void An_event_that_comes_while_a_parked_loop_handles_commands_is_written_as_soon_as_the_loop_is_free()
    {
        ParkFor(TimeSpan.FromMilliseconds(5));
        _inbox.Post(1);
        _inbox.Grown([_log]);
        var (commands, grown) = Take();
        Assert.Equal([1], commands);
        Assert.Empty(grown);

        _clock.Advance(TimeSpan.FromMilliseconds(5)); // the time that the commands took
        Assert.Equal(0, _inbox.SleepMilliseconds);
        Assert.Equal([_log], Take().Grown);
    }

    [Fact]
    public void An_event_waits_for_the_rest_of_the_time_that_the_loop_is_parked_and_no_longer()
    {
        ParkFor(TimeSpan.FromMilliseconds(8));
        _inbox.Grown([_log]);
        _clock.Advance(TimeSpan.FromMilliseconds(2));
        Assert.Empty(Take().Grown);
        Assert.Equal(6, _inbox.SleepMilliseconds);
        _clock.Advance(TimeSpan.FromMilliseconds(6));
        Assert.Equal([_log], Take().Grown);
    }

    [Fact]
    public void No_order_of_events_commands_and_time_leaves_an_event_waiting()
    {
        var random = new Random(11);
        for (var round = 0; round < 5_000; round++)
        {
            if (random.Next(2) == 0)
                ParkFor(TimeSpan.FromMilliseconds(random.Next(12)));
            if (random.Next(2) == 0)
                _inbox.Post(round);
            var waits = random.Next(2) == 0;
            if (waits)
                _inbox.Grown([_log]);
            if (random.Next(2) == 0)
                _clock.Advance(TimeSpan.FromMicroseconds(random.Next(9_000)));
            var written = Take().Grown.Count > 0;
            if (random.Next(2) == 0)
                _clock.Advance(TimeSpan.FromMicroseconds(random.Next(9_000)));
            while (waits && !written)
            {
                Assert.InRange(_inbox.SleepMilliseconds, 0, 10);
                _clock.Advance(TimeSpan.FromMilliseconds(_inbox.SleepMilliseconds + 0.5));
                written = Take().Grown.Count > 0;
            }
        }
    }

    public void Dispose() => _inbox.Dispose();

    private void ParkFor(TimeSpan time)
    {
        var begun = _clock.GetTimestamp();
        _clock.Advance(time);
        _pacing.Begin(begun, batched: 1);
    }

    private (List<int> Commands, List<FilterLog> Grown) Take()
    {
        var (commands, grown) = (new List<int>(), new List<FilterLog>());
        Assert.True(_inbox.Take(commands, grown));
        foreach (var log in grown)
            log.Loops[0].IsListed = 0;
        return (commands, grown);
    }
}
