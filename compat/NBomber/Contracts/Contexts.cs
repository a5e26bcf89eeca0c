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

/// <summary>What an iteration sees. One a copy; a copy's iterations follow one another.</summary>
public interface IScenarioContext
{
    TestInfo TestInfo { get; }
    ScenarioInfo ScenarioInfo { get; }
    NodeInfo NodeInfo { get; }

    /// <summary>From 1.</summary>
    long InvocationNumber { get; }

    /// <summary>Empty at each iteration's start.</summary>
    Dictionary<string, object> Data { get; }

    /// <summary>Kept over the iterations of this copy.</summary>
    Dictionary<string, object> ScenarioInstanceData { get; }

    /// <summary>Cancelled when the scenario is over.</summary>
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
