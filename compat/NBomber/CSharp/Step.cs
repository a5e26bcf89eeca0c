// Stands in for NBomber.CSharp. Not affiliated with NBomber LLC.
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using NBomber.Contracts;
using NBomber.Running;

namespace NBomber.CSharp;

[SuppressMessage("Naming", "CA1716:Identifiers should not match keywords", Justification = "NBomber's own name.")]
public static class Step
{
    /// <summary>Runs a part of an iteration and measures it separately. A failed step ends its iteration.</summary>
    public static async Task<Response<T>> Run<T>(string name, IScenarioContext context, Func<Task<Response<T>>> run)
    {
        var started = Stopwatch.GetTimestamp();
        Response<T> response;
        try
        {
            response = await run().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not IgnoreMeasurementException)
        {
            response = Failures.Of<T>(e);
        }

        ((ScenarioCopy)context).Scenario.Record(name, response, Stopwatch.GetElapsedTime(started));
        return response.IsError ? throw new StepFailedException(response) : response;
    }
}
