// Stands in for NBomber.CSharp. Not affiliated with NBomber LLC.
using NBomber.Contracts;

namespace NBomber.Contracts
{
    /// <summary>The description of a scenario. Immutable.</summary>
    public sealed record ScenarioProps
    {
        internal ScenarioProps(string name, Func<IScenarioContext, Task<IResponse>> run)
        {
            ScenarioName = name;
            Run = run;
        }

        internal string ScenarioName { get; }
        internal Func<IScenarioContext, Task<IResponse>> Run { get; }
        internal Func<IScenarioInitContext, Task>? Init { get; init; }
        internal IReadOnlyList<LoadSimulation> LoadSimulations { get; init; } =
        [new LoadSimulation.KeepConstant(1, TimeSpan.FromMinutes(1))];
    }
}

namespace NBomber.CSharp
{
    public static class Scenario
    {
        public static ScenarioProps Create(string name, Func<IScenarioContext, Task<IResponse>> run) => new(name, run);

        /// <summary>Sets a function that runs before the first iteration of any scenario.</summary>
        public static ScenarioProps WithInit(this ScenarioProps scenario, Func<IScenarioInitContext, Task> initFunc) =>
            scenario with
            {
                Init = initFunc,
            };

        /// <summary>Returns the scenario unchanged: the stand-in has no warm-up. NBomber's takes 30 s.</summary>
        public static ScenarioProps WithoutWarmUp(this ScenarioProps scenario) => scenario;

        public static ScenarioProps WithLoadSimulations(
            this ScenarioProps scenario,
            params LoadSimulation[] loadSimulations
        ) => scenario with { LoadSimulations = [.. loadSimulations] };
    }
}
