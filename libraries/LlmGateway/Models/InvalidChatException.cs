using Streaming.Refusals;

namespace LlmGateway;

/// <summary>An error for an invalid chat request, which names the field. Each vendor's API formats the error as its
/// vendor does.</summary>
/// <param name="where">The field.</param>
/// <param name="what">Text for people: a whole sentence if there is a code, else a text that follows the field's
/// name.</param>
/// <param name="status">HTTP status.</param>
/// <param name="code">Machine-readable reason. Null if the field is missing or invalid.</param>
internal sealed class InvalidChatException(
    string where,
    string what,
    int status = StatusCodes.Status400BadRequest,
    string? code = null
) : InvalidRequestException(where, what, status)
{
    // The first two are OpenAI's own codes.
    public const string ModelNotFound = "model_not_found",
        UnsupportedParameter = "unsupported_parameter",
        // Anthropic's own: its client then sends the whole conversation.
        ThreadNotFound = "thread_not_found",
        ProviderNotFound = "provider_not_found",
        ProviderNotConfigured = "provider_not_configured";

    /// <summary>Creates the error for a member that would change the answer, but that has no equivalent at the model's
    /// provider.</summary>
    public static InvalidChatException Untranslatable(string where, string provider) =>
        new(
            where,
            $"Unsupported parameter: {where}. The provider {provider} has no equivalent.",
            code: UnsupportedParameter
        );

    public string? Code => code;

    public override string Message => Problem;

    /// <summary>
    /// Adds the member <c>error</c> for an unknown provider or model, because the articles' clients read it.
    /// </summary>
    public override IResult ToResult() =>
        Code is ModelNotFound or ProviderNotFound
            ? new ProblemAnswer(
                Status,
                TitleOf(Status),
                Problem,
                [new("error", Problem), new("errors", new Dictionary<string, string[]> { [Field] = [Problem] })]
            )
            : base.ToResult();
}
