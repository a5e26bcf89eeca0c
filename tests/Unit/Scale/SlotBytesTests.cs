using Benchmarks.Slots;
using EventStore;

namespace Unit.Scale;

public sealed class SlotBytesTests
{
    [Theory]
    [InlineData(4, 200, 10)]
    [InlineData(50, 200, 10)]
    public void A_replica_receives_hardly_more_than_its_readers_need(int replicas, int topics, int read)
    {
        var (_, worst, _) = SlotSimulation.Run(replicas, topics, read, new EventStoreOptions().Slots);
        Assert.InRange(worst, 1, SlotSimulation.MostRatio);
    }

    [Fact]
    public void Few_slots_exceed_the_limit() =>
        Assert.True(SlotSimulation.Run(4, 200, 10, slots: 16).Worst > SlotSimulation.MostRatio);
}
