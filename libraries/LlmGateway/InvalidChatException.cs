using Streaming.Requests;

namespace LlmGateway;

/// <summary>A chat request that cannot be taken; names the field. Each face says it in its vendor's shape.</summary>
internal sealed class InvalidChatException(string where, string what, int status = StatusCodes.Status400BadRequest)
    : InvalidRequestException(where, what, status)
{
    public override string Message => Problem;

    /// <summary>What is unsupported is said in the words that the articles' clients look for.</summary>
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
