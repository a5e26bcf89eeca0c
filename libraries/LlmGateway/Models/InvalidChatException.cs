using Streaming.Refusals;

namespace LlmGateway;

/// <summary>An invalid chat request; it names the field. Each vendor's API formats it as its vendor does.</summary>
/// <param name="where">The field.</param>
/// <param name="what">Text for people; a sentence of its own if there is a code, else it follows the field's
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
    // The first two are OpenAI's own words.
    public const string ModelNotFound = "model_not_found",
        UnsupportedParameter = "unsupported_parameter",
        ProviderNotFound = "provider_not_found",
        ProviderNotConfigured = "provider_not_configured";

    /// <summary>A member that would change the answer, and that the model's provider has no equivalent of.</summary>
    public static InvalidChatException Untranslatable(string where, string provider) =>
        new(
            where,
            $"Unsupported parameter: {where}. The provider {provider} has no equivalent.",
            code: UnsupportedParameter
        );

    public string? Code => code;

    public override string Message => Problem;

    /// <summary>
    /// Adds the member <c>error</c> for an unknown provider or model: the articles' clients read it.
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
