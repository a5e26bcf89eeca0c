using Streaming.Refusals;

namespace Streaming.Access;

/// <summary>Refuses a caller that cannot own anything (403): a ticket, or a credential that names nobody.</summary>
internal sealed class UnnamedCallerException(string problem)
    : InvalidRequestException("caller", problem, StatusCodes.Status403Forbidden)
{
    public override IResult ToResult() => new ProblemAnswer(Status, "Nobody's request", Problem);
}
