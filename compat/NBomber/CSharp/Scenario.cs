// Stands in for NBomber.CSharp. Not affiliated with NBomber LLC.
using NBomber.Contracts;

namespace NBomber.Contracts
{
    /// <summary>The description of a scenario. Immutable.</summary>
    public sealed record ScenarioProps
    {
        internal ScenarioProps(string name, Func<IScenarioContext, Task<IResponse>>? run)
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(name);
            (ScenarioName, Run) = (name, run);
        }

        public string ScenarioName { get; }
        public int MaxFailCount { get; internal init; } = 5_000;
        internal Func<IScenarioContext, Task<IResponse>>? Run { get; }
        internal Func<IScenarioInitContext, Task>? Init { get; init; }
        internal Func<IScenarioInitContext, Task>? Clean { get; init; }
        internal TimeSpan? WarmUpDuration { get; init; } = TimeSpan.FromSeconds(30);
        internal IReadOnlyList<LoadSimulation> LoadSimulations { get; init; } =
        [new LoadSimulation.KeepConstant(1, TimeSpan.FromMinutes(1))];
        internal IReadOnlyList<Threshold> Thresholds { get; init; } = [];
        internal bool RestartIterationOnFail { get; init; } = true;
    }
}

namespace NBomber.CSharp
{
    public static class Scenario
    {
        public static ScenarioProps Create(string name, Func<IScenarioContext, Task<IResponse>> run) => new(name, run);

        /// <summary>Creates a scenario that only initialises and cleans up.</summary>
        public static ScenarioProps Empty(string name) => new(name, null);

        public static ScenarioProps WithInit(this ScenarioProps scenario, Func<IScenarioInitContext, Task> initFunc) =>
            scenario with
            {
                Init = initFunc,
            };

        public static ScenarioProps WithClean(
            this ScenarioProps scenario,
            Func<IScenarioInitContext, Task> cleanFunc
        ) => scenario with { Clean = cleanFunc };

        /// <summary>Sets how long the first simulation runs before measuring begins. Default: 30 s.</summary>
        public static ScenarioProps WithWarmUpDuration(this ScenarioProps scenario, TimeSpan duration) =>
            scenario with
            {
                WarmUpDuration = duration,
            };

        public static ScenarioProps WithoutWarmUp(this ScenarioProps scenario) =>
            scenario with
            {
                WarmUpDuration = null,
            };

        public static ScenarioProps WithLoadSimulations(
            this ScenarioProps scenario,
            params LoadSimulation[] loadSimulations
        ) => scenario with { LoadSimulations = [.. loadSimulations] };

        public static ScenarioProps WithThresholds(this ScenarioProps scenario, params Threshold[] thresholds) =>
            scenario with
            {
                Thresholds = [.. thresholds],
            };

        /// <summary>Sets whether a failed step ends the iteration as failed. Default: true.</summary>
        public static ScenarioProps WithRestartIterationOnFail(this ScenarioProps scenario, bool shouldRestart) =>
            scenario with
            {
                RestartIterationOnFail = shouldRestart,
            };

        /// <summary>Sets the number of failures that stops the whole test. Default: 5,000.</summary>
        public static ScenarioProps WithMaxFailCount(this ScenarioProps scenario, int maxFailCount) =>
            scenario with
            {
                MaxFailCount = maxFailCount,
            };
    }
}
