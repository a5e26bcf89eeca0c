using LoadTests.Chaos;
using NBomber.Contracts.Stats;

namespace LoadTests.Reports;

/// <summary>The outcome of a scenario, beside its counters and ledgers.</summary>
/// <param name="Faults">The injected faults.</param>
/// <param name="FaultProblem">The reason why not all faults were injected, or null if they were.</param>
/// <param name="Drained">The time from the last publish to the last delivery, or null when deliveries are
/// missing.</param>
/// <param name="Unanswered">Clients that were still connecting.</param>
/// <param name="Stats">NBomber's statistics, or null if it failed.</param>
/// <param name="Interruption">The reason why the scenario did not run to its end, or null if it did.</param>
internal sealed record ScenarioEnd(
    IReadOnlyList<FaultRecord> Faults,
    string? FaultProblem,
    TimeSpan? Drained,
    long Unanswered,
    NodeStats? Stats,
    string? Interruption
)
{
    /// <summary>True for a run that was stopped: deliveries under way are missing, and nothing is judged.</summary>
    public bool Stopped { get; init; }

    /// <summary>True when the --target address itself answers after the
    /// faults, not only the replicas behind it. Null without faults.</summary>
    public bool? TargetAnswers { get; init; }
}
