// Stands in for NBomber.Contracts. Not affiliated with NBomber LLC.
using System.Linq.Expressions;
using NBomber.Contracts.Stats;

namespace NBomber.Contracts;

/// <summary>A condition that is checked at each reporting interval and
/// at the end. An expression, so that reports can show it.</summary>
public sealed class Threshold
{
    private readonly Func<ScenarioStats, bool> _holds;

    private Threshold(
        string stepName,
        LambdaExpression check,
        Func<ScenarioStats, bool> holds,
        int? abortWhenErrorCount,
        TimeSpan? startCheckAfter
    ) =>
        (StepName, CheckExpression, _holds, AbortWhenErrorCount, StartCheckAfter) = (
            stepName,
            check.Body.ToString(),
            holds,
            abortWhenErrorCount,
            startCheckAfter
        );

    public string StepName { get; }
    public int? AbortWhenErrorCount { get; }
    public TimeSpan? StartCheckAfter { get; }
    internal string CheckExpression { get; }

    public static Threshold Create(
        Expression<Func<ScenarioStats, bool>> checkScenario,
        int? abortWhenErrorCount = null,
        TimeSpan? startCheckAfter = null
    ) => new("", checkScenario, checkScenario.Compile(), abortWhenErrorCount, startCheckAfter);

    public static Threshold Create(
        string stepName,
        Expression<Func<StepStats, bool>> checkStep,
        int? abortWhenErrorCount = null,
        TimeSpan? startCheckAfter = null
    )
    {
        var check = checkStep.Compile();
        return new(
            stepName,
            checkStep,
            scenario => check(scenario.StepStats.Get(stepName)),
            abortWhenErrorCount,
            startCheckAfter
        );
    }

    internal bool Holds(ScenarioStats stats) => _holds(stats);
}
