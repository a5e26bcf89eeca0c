using Streaming.Connections;

namespace Core.Streaming;

public class PendingWriteBudgetTests
{
    private int _ended;

    [Fact]
    public void Above_the_total_the_oldest_writes_are_given_up_with_all_their_streams()
    {
        var pending = new PendingWriteBudget(1_000, count => _ended += count);
        Holder[] streams = [new(), new(), new(), new()];
        var (one, two, three, four) = (streams[0], streams[1], streams[2], streams[3]);
        var (shared, second, third) = (Write(600), Write(300), Write(500));
        pending.Hold(shared, one);
        pending.Hold(shared, two);
        pending.Hold(second, three);
        Assert.Equal((900, 0), (pending.Held, _ended));
        pending.Hold(third, four);
        Assert.Equal((800, 2), (pending.Held, _ended));
        Assert.Equal([true, true, false, false], streams.Select(stream => stream.HasStalled));

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
        var (first, second, shared) = (new Holder(), new Holder(), Write(600));
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
        pending.Hold(Write(900), new Holder());
        pending.Hold(Write(5_000), new Holder());
        Assert.Equal((5_000, 1), (pending.Held, _ended));
    }

    [Fact]
    public void Writes_to_lagging_connections_are_small_from_half_of_the_total_on()
    {
        var pending = new PendingWriteBudget(1_000, _ => { });
        pending.Hold(Write(499), new Holder());
        Assert.False(pending.IsScarce);
        pending.Hold(Write(1), new Holder());
        Assert.True(pending.IsScarce);
    }

    private static PendingWrite Write(int bytes) => new(new byte[bytes], bytes);

    private sealed class Holder : IOutputOwner
    {
        public bool HasStalled { get; private set; }

        public void Ready() { }

        public void EndStalled() => HasStalled = true;

        public void Gone() { }
    }
}
