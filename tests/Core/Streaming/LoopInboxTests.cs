using Streaming.Connections;

namespace Core.Streaming;

/// <summary>A new stream without events may wait for its loop; its first event may not.</summary>
public sealed class LoopInboxTests : IDisposable
{
    private readonly LoopInbox<string> _inbox = new(loop: 0);
    private readonly LoopRig _rig = new();

    public void Dispose() => _inbox.Dispose();

    [Fact]
    public void What_may_wait_wakes_no_loop_and_is_taken_with_the_next_work()
    {
        _inbox.PostLater("attach");
        Assert.False(_inbox.Wait(0));

        _inbox.Post("end");
        Assert.True(_inbox.Wait(0));
        Assert.Equal(["attach", "end"], Taken());
    }

    [Fact]
    public void An_event_wakes_the_loop_that_has_not_taken_its_reader_yet()
    {
        var ring = _rig.RingOf("orders");
        _inbox.Grown([ring]);
        Assert.False(_inbox.Wait(0));

        _inbox.PostLater("attach");
        _inbox.Grown([ring]);
        Assert.True(_inbox.Wait(0));
        Assert.Equal(["attach"], Taken());

        _inbox.Grown([ring]);
        Assert.False(_inbox.Wait(0));
    }

    [Fact]
    public void A_stream_that_may_not_wait_after_all_wakes_the_loop()
    {
        _inbox.PostLater("attach");
        _inbox.Wake();
        Assert.True(_inbox.Wait(0));
    }

    private List<string> Taken()
    {
        List<string> commands = [];
        _inbox.Take(commands, []);
        return commands;
    }
}
