// Stands in for NBomber.Contracts. Not affiliated with NBomber LLC.
using NBomber.Contracts.Stats;

namespace NBomber.Contracts;

/// <summary>Looks statistics up by name: Get throws when the name is missing, Find returns null.</summary>
public static class StatsExtensions
{
    public static ScenarioStats Get(this ScenarioStats[] scenarioStats, string name) =>
        scenarioStats.Find(name) ?? throw Missing("Scenario", name);

    public static ScenarioStats? Find(this ScenarioStats[] scenarioStats, string name) =>
        Array.Find(scenarioStats, s => s.ScenarioName == name);

    public static bool Exists(this ScenarioStats[] scenarioStats, string name) => scenarioStats.Find(name) is not null;

    public static StepStats Get(this StepStats[] stepStats, string name) =>
        stepStats.Find(name) ?? throw Missing("Step", name);

    public static StepStats? Find(this StepStats[] stepStats, string name) =>
        Array.Find(stepStats, s => s.StepName == name);

    public static bool Exists(this StepStats[] stepStats, string name) => stepStats.Find(name) is not null;

    public static StatusCodeStats Get(this StatusCodeStats[] statusCodes, string statusCode) =>
        statusCodes.Find(statusCode) ?? throw Missing("Status code", statusCode);

    public static StatusCodeStats? Find(this StatusCodeStats[] statusCodes, string statusCode) =>
        Array.Find(statusCodes, s => s.StatusCode == statusCode);

    public static bool Exists(this StatusCodeStats[] statusCodes, string statusCode) =>
        statusCodes.Find(statusCode) is not null;

    private static KeyNotFoundException Missing(string what, string name) => new($"{what} '{name}' is not found.");
}
