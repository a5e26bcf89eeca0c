// Stands in for NBomber.Contracts. Not affiliated with NBomber LLC.
using NBomber.Contracts.Stats;

namespace NBomber.Contracts;

public enum ScenarioOperation
{
    Init = 0,
    Clean = 1,
    WarmUp = 2,
    Bombing = 3,
}

/// <summary>One copy of a scenario.</summary>
public sealed record ScenarioInfo(
    string InstanceId,
    int InstanceNumber,
    string ScenarioName,
    TimeSpan ScenarioDuration,
    ScenarioOperation ScenarioOperation
);

/// <summary>The state that an iteration can use. Each copy has
/// one, and a copy's iterations run one after the other.</summary>
public interface IScenarioContext
{
    TestInfo TestInfo { get; }
    ScenarioInfo ScenarioInfo { get; }
    NodeInfo NodeInfo { get; }

    /// <summary>Counts from 1.</summary>
    long InvocationNumber { get; }

    /// <summary>Data of one iteration; cleared when the next begins.</summary>
    Dictionary<string, object> Data { get; }

    /// <summary>Data of this copy, kept across its iterations.</summary>
    Dictionary<string, object> ScenarioInstanceData { get; }

    /// <summary>Cancelled when the scenario ends.</summary>
    CancellationToken ScenarioCancellationToken { get; }
    Random Random { get; }
    void StopScenario(string scenarioName, string reason);
    void StopCurrentTest(string reason);
    TimeSpan GetScenarioTimerTime();
}

public interface IScenarioInitContext
{
    TestInfo TestInfo { get; }
    ScenarioInfo ScenarioInfo { get; }
    NodeInfo NodeInfo { get; }
}
