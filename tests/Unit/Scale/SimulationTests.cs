using Benchmarks.Simulation;

namespace Unit.Scale;

public sealed class SimulationTests
{
    /// <summary>A small system that loses the region of its first log.</summary>
    private static readonly Scenario Small = new("small")
    {
        Replicas = 9,
        Readers = 9_000,
        Topics = 300,
        EventsPerSecond = 500,
        RecentEvents = 1_000,
        LostPerMillion = 5_000,
        Samples = 200,
        SampleDropInterval = 5_000,
        PromotionTime = 5_000,
        LostAt = 12_000,
        Closed = true,
        Limit = 100_000,
    };

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Everybody_is_level_in_the_end_and_no_order_is_violated(int logs)
    {
        var result = SimulationRun.Of(Small with { Logs = logs });
        Assert.True(result.Ok);
        Assert.Equal((0, 0L), (result.NotCaughtUp, result.Violations));
        Assert.Equal((3_000, 200), (result.Displaced, result.Judged));
        Assert.True(double.IsFinite(result.AllLevelAfter));
        Assert.InRange(result.BacklogAfter, 5, 20);
        // Readers caught up both ways, from memory and from the store, and messages were lost.
        Assert.True(result.SampledResumes > 1_000, $"{result.SampledResumes} resumes");
        Assert.True(result.Seconds.Sum(s => s.Replays) > 100, "nobody needed the store");
        Assert.True(result.Seconds.Sum(s => s.GapReads) > 10, "no message was lost");
    }

    [Fact]
    public void The_same_seed_has_the_same_output_and_another_seed_another()
    {
        string Output(ulong seed) => SimulationTable.Of([SimulationRun.Of(Small with { Seed = seed })]);
        var (first, again, other) = (Output(1), Output(1), Output(2));
        Assert.Equal(first, again);
        Assert.NotEqual(first, other.Replace("seed 2", "seed 1", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(SimulationFault.ResumeTooLate, 1)]
    [InlineData(SimulationFault.ResumeTooEarly, 1)]
    [InlineData(SimulationFault.ResumeAtHead, 1)]
    [InlineData(SimulationFault.IgnoreGap, 1)]
    [InlineData(SimulationFault.SettleBeyondPage, 1)]
    [InlineData(SimulationFault.JoinBeyondPage, 1)]
    [InlineData(SimulationFault.HeartbeatSettles, 1)]
    [InlineData(SimulationFault.SettleAny, 1)]
    [InlineData(SimulationFault.ResumeTooLate, 3)]
    [InlineData(SimulationFault.SettleAny, 3)]
    internal void A_planted_fault_is_found_by_the_readers_own_ledgers(SimulationFault fault, int logs) =>
        Assert.NotEqual(0, SimulationRun.Of(Small with { Logs = logs, Fault = fault }).Violations);

    [Fact]
    public void Ten_logs_fit_into_an_id_that_browsers_send_without_a_preflight()
    {
        const string Set = "k3x9q0zt2a";
        var (timelines, positions) = (new int[10], new long[10]);
        Array.Fill(timelines, 4_095);
        Array.Fill(positions, (1L << 42) - 1);
        var id = VectorId.Format(Set, timelines, positions);
        Assert.Equal(120, id.Length);
        Assert.Matches("^[A-Za-z0-9._~-]+$", id);

        var (readTimelines, readPositions) = (new int[10], new long[10]);
        Assert.True(VectorId.TryParse(id, Set, readTimelines, readPositions));
        Assert.Equal(timelines, readTimelines);
        Assert.Equal(positions, readPositions);
        Assert.False(VectorId.TryParse(id, "another001", readTimelines, readPositions));
        Assert.False(VectorId.TryParse(id[..^3] + "$", Set, readTimelines, readPositions));
        Assert.Throws<ArgumentException>(() => VectorId.Format(Set, [.. timelines, 1], [.. positions, 1L << 41]));
    }
}
