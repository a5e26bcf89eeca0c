using LoadTests.Measurements;
using NBomber.Contracts;

namespace LoadTests.Loads;

/// <summary>One kind of client in a scenario. Each load is an NBomber scenario, and all run side by side.</summary>
internal interface ILoad
{
    /// <param name="reading">The longest time for readers: publishing, then draining.</param>
    ScenarioProps Build(LoadRun run, TimeSpan reading);
}

/// <summary>A load with its own end, which the runner waits for.</summary>
internal interface IFinite
{
    bool IsFinished { get; }
}
