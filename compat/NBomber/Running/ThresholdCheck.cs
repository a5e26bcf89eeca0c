// Part of the stand-in for NBomber: what runs the scenarios. Not affiliated with NBomber LLC.
using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace NBomber.Running;

/// <summary>A threshold and how often it did not hold.</summary>
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
        // Before its first event a step or a status code is not there to be checked.
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
