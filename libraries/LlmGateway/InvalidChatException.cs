using Streaming.Requests;

namespace LlmGateway;

/// <summary>An invalid chat request; it names the field. Each vendor's API formats it as its vendor does.</summary>
internal sealed class InvalidChatException(string where, string what, int status = StatusCodes.Status400BadRequest)
    : InvalidRequestException(where, what, status)
{
    public override string Message => Problem;

    /// <summary>
    /// Adds the member <c>error</c> for an unsupported provider or model: the articles' clients read it.
    /// </summary>
    public override IResult ToResult() =>
        Problem.StartsWith("Unsupported ", StringComparison.Ordinal)
            ? TypedResults.Problem(
                statusCode: Status,
                title: "Invalid request",
                detail: Problem,
                extensions: new Dictionary<string, object?>
                {
                    ["error"] = Problem,
                    ["errors"] = new Dictionary<string, string[]> { [Field] = [Problem] },
                }
            )
            : base.ToResult();
}
