using System.IO.Pipelines;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;

namespace Core.Streaming;

public class PendingWriteBudgetTests
{
    private int _ended;

    [Fact]
    public void Above_the_total_the_oldest_writes_are_given_up_with_all_their_streams()
    {
        var pending = new PendingWriteBudget(1_000, count => _ended += count);
        var (one, two, three, four) = (Output(pending), Output(pending), Output(pending), Output(pending));
        var (shared, second, third) = (Write(600), Write(300), Write(500));
        pending.Hold(shared, one);
        pending.Hold(shared, two);
        pending.Hold(second, three);
        Assert.Equal((900, 0), (pending.Held, _ended));
        pending.Hold(third, four);
        Assert.Equal((800, 2), (pending.Held, _ended));
        Assert.Equal(
            [EndReason.Stalled, EndReason.Stalled, null, null],
            new[] { one, two, three, four }.Select(o => o.Stream!.EndRequested)
        );

        // The writes of ended streams are released later.
        pending.Release(shared, one);
        pending.Release(second, three);
        pending.Release(third, four);
        Assert.Equal(0, pending.Held);
    }

    [Fact]
    public void A_shared_write_counts_until_its_last_holder_is_done()
    {
        var pending = new PendingWriteBudget(1_000, count => _ended += count);
        var (first, second, shared) = (Output(pending), Output(pending), Write(600));
        pending.Hold(shared, first);
        pending.Hold(shared, second);
        pending.Release(shared, first);
        Assert.Equal(600, pending.Held);
        pending.Release(shared, second);
        Assert.Equal(0, pending.Held);
        pending.Hold(shared, first);
        Assert.Equal(600, pending.Held);
    }

    [Fact]
    public void A_single_write_that_is_larger_than_the_total_stays()
    {
        var pending = new PendingWriteBudget(1_000, count => _ended += count);
        pending.Hold(Write(900), Output(pending));
        pending.Hold(Write(5_000), Output(pending));
        Assert.Equal((5_000, 1), (pending.Held, _ended));
    }

    [Fact]
    public void Writes_to_lagging_connections_are_small_from_half_of_the_total_on()
    {
        var pending = new PendingWriteBudget(1_000, _ => { });
        pending.Hold(Write(499), Output(pending));
        Assert.False(pending.IsScarce);
        pending.Hold(Write(1), Output(pending));
        Assert.True(pending.IsScarce);
    }

    private static PendingWrite Write(int bytes) => new(new byte[bytes], bytes);

    private static PipeOutput Output(PendingWriteBudget pending)
    {
        var rings = TestRings.Create();
        var output = new PipeOutput(new Pipe().Writer, chunked: false, pending);
        output.Stream = new StreamConnection(
            "id",
            rings.Acquire(new StreamFilter(["t"], [], [], NamedFormat.Always)),
            rings,
            output,
            new StreamClient("", null, "", null, "")
        );

        return output;
    }
}
