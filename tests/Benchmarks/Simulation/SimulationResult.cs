namespace Benchmarks.Simulation;

/// <summary>One second of a run.</summary>
internal sealed class SimulationSecond
{
    public int NotCaughtUp { get; set; }
    public int Appends { get; set; }
    public int Connects { get; set; }
    public int Replays { get; set; }
    public int GapReads { get; set; }
    public double StoreMicroseconds { get; set; }
    public double Deliveries { get; set; }

    /// <summary>Messages that the busiest Redis server hands out.</summary>
    public long RedisMessages { get; set; }
}

/// <summary>Outcome of a run. Times are seconds since the loss of the region.</summary>
internal sealed record SimulationResult(Scenario Scenario, IReadOnlyList<SimulationSecond> Seconds)
{
    public int Displaced { get; init; }
    public int NotCaughtUp { get; init; }
    public double HalfLevelAfter { get; init; }
    public double NearlyLevelAfter { get; init; }
    public double AllLevelAfter { get; init; }

    /// <summary>Time until the publishers' backlog of a promotion is in the log; 0 without one.</summary>
    public double BacklogAfter { get; init; }

    /// <summary>Longest time for which a replica let a reader wait for its stream, in seconds.</summary>
    public double LongestWait { get; init; }

    /// <summary>Largest part of a replica's processor time that connects and deliveries took.</summary>
    public double ReplicaLoad { get; init; }

    public long SampledEvents { get; init; }
    public long SampledResumes { get; init; }
    public int Judged { get; init; }
    public long Lost { get; init; }
    public long Duplicates { get; init; }
    public long Reordered { get; init; }
    public int LongestId { get; init; }
    public long Violations => Lost + Duplicates + Reordered;

    /// <summary>True if every reader has caught up, every ledger was judged to the end, and none has found
    /// anything.</summary>
    public bool Ok => Violations == 0 && NotCaughtUp == 0 && Judged == Scenario.Samples;
}
