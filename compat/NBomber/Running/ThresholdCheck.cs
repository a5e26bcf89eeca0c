// Part of the stand-in for NBomber: runs the scenarios. Not affiliated with NBomber LLC.
using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace NBomber.Running;

/// <summary>A threshold and the number of times it failed.</summary>
internal sealed class ThresholdCheck(ScenarioRun scenario, Threshold threshold)
{
    private string _exception = "";
    private int _errors;

    public ThresholdResult Result =>
        new(
            scenario.Props.ScenarioName,
            threshold.StepName,
            threshold.CheckExpression,
            _exception,
            _errors,
            _errors > 0
        );

    public void Check()
    {
        if (scenario.Elapsed < (threshold.StartCheckAfter ?? TimeSpan.Zero))
            return;
        try
        {
            if (threshold.Holds(scenario.Stats(OperationType.Bombing)))
                return;
        }
        // A step or status code does not exist before its first event, so it cannot be checked yet.
        catch (KeyNotFoundException) when (!scenario.IsOver)
        {
            return;
        }
        catch (Exception e)
        {
            _exception = e.Message;
        }
        _errors++;
        if (_errors >= threshold.AbortWhenErrorCount)
            scenario.Session.Stop(null, $"the threshold {threshold.CheckExpression} failed {_errors} times.");
    }
}
