// Part of the stand-in for NBomber: runs the scenarios. Not affiliated with NBomber LLC.
using NBomber.Contracts;

namespace NBomber.Running;

/// <summary>Thrown by a failed step to end its iteration.</summary>
internal sealed class StepFailedException(IResponse response) : Exception(response.Message)
{
    public IResponse Response => response;
}

internal static class Failures
{
    /// <summary>Returns NBomber's code for an exception: -100 for a timeout, -101 for any other.</summary>
    public static Response<T> Of<T>(Exception exception) =>
        exception switch
        {
            StepFailedException step => new(step.Response.StatusCode, true, 0, 0, step.Response.Message),
            OperationCanceledException or TimeoutException => new("-100", true, 0, 0, "operation timeout"),
            _ => new("-101", true, 0, 0, exception.Message),
        };
}
