using Streaming.Refusals;

namespace Streaming.Access;

/// <summary>A caller that can own nothing (403), because two of its kind could not be told apart.</summary>
internal sealed class UnnamedCallerException(string problem)
    : InvalidRequestException("caller", problem, StatusCodes.Status403Forbidden)
{
    public override IResult ToResult() => new ProblemAnswer(Status, "Nobody's request", Problem);
}
