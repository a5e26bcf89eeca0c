using Streaming.Endpoints;
using Streaming.Refusals;

namespace LlmGateway.Requests;

/// <summary>Refuses a request for a run that is another caller's (403), or that does not exist (404).</summary>
internal sealed class NoRunException : InvalidRequestException
{
    private readonly IResult _answer;

    /// <summary>Creates the refusal of a run that does not exist.</summary>
    public NoRunException(string title, string detail, params KeyValuePair<string, object?>[] extensions)
        : this(
            new ProblemAnswer(StatusCodes.Status404NotFound, title, detail, extensions),
            StatusCodes.Status404NotFound
        ) { }

    private NoRunException(IResult answer, int status)
        : base("id", "names no run of the caller.", status) => _answer = answer;

    /// <summary>The refusal of another caller's run.</summary>
    public static NoRunException Forbidden => new(RefusalStatusHandler.Forbidden, StatusCodes.Status403Forbidden);

    public override IResult ToResult() => _answer;
}
