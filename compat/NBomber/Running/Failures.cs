// Part of the stand-in for NBomber: what runs the scenarios. Not affiliated with NBomber LLC.
using NBomber.Contracts;

namespace NBomber.Running;

/// <summary>A step failed and ends its iteration.</summary>
internal sealed class StepFailedException(IResponse response) : Exception(response.Message)
{
    public IResponse Response => response;
}

internal static class Failures
{
    /// <summary>NBomber's codes: -100 for a time-out, -101 for any other exception.</summary>
    public static Response<T> Of<T>(Exception e) =>
        e switch
        {
            StepFailedException step => new(step.Response.StatusCode, true, 0, 0, step.Response.Message),
            OperationCanceledException or TimeoutException => new("-100", true, 0, 0, "operation timeout"),
            _ => new("-101", true, 0, 0, e.Message),
        };
}
