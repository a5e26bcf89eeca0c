// Stands in for NBomber.Contracts. Not affiliated with NBomber LLC.
namespace NBomber.Contracts;

/// <summary>One copy of a scenario.</summary>
/// <param name="InstanceNumber">Counts the copies of a scenario from 1.</param>
public sealed record ScenarioInfo(int InstanceNumber);

/// <summary>The state that an iteration can use. Each copy has
/// one, and a copy's iterations run one after the other.</summary>
public interface IScenarioContext
{
    ScenarioInfo ScenarioInfo { get; }

    /// <summary>Data of this copy, kept across its iterations.</summary>
    Dictionary<string, object> ScenarioInstanceData { get; }

    /// <summary>Cancelled when the scenario ends.</summary>
    CancellationToken ScenarioCancellationToken { get; }
    Random Random { get; }

    /// <summary>Ends all scenarios.</summary>
    void StopCurrentTest(string reason);
}

/// <summary>The argument of a scenario's init function. LoadTests reads no member of it.</summary>
public interface IScenarioInitContext;
