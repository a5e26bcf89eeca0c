using LlmGateway;
using LlmGateway.Dialects;
using LlmGateway.Dialects.ChatCompletions;
using LlmGateway.Dialects.Messages;
using Streaming.Refusals;

namespace Unit.Llm;

/// <summary>An error's code decides its status and its format, so that its text can be corrected.</summary>
public sealed class VendorErrorFormatTests
{
    private static readonly VendorFormat[] Formats = [ChatCompletionsWriter.Format, MessagesWriter.Format];

    /// <summary>Texts with and without a capital letter, and with the words that errors of other codes begin
    /// with.</summary>
    private static readonly string[] Texts =
    [
        "is wrong.",
        "Unsupported model: x",
        "Unsupported parameter: x",
        "Unsupported provider: x",
        "Nobody knows x.",
    ];

    [Theory]
    [InlineData(null, 400, "invalid_request_error", "invalid_request_error")]
    [InlineData(InvalidChatException.UnsupportedParameter, 400, "invalid_request_error", "invalid_request_error")]
    [InlineData(InvalidChatException.ProviderNotFound, 400, "invalid_request_error", "invalid_request_error")]
    [InlineData(InvalidChatException.ProviderNotConfigured, 400, "invalid_request_error", "invalid_request_error")]
    [InlineData(InvalidChatException.ModelNotFound, 404, "invalid_request_error", "not_found_error")]
    public void A_wrong_request_with_another_text_has_the_same_status_and_format(
        string? code,
        int status,
        string openAiType,
        string anthropicType
    )
    {
        foreach (var text in Texts)
        {
            var error = VendorError.Of(new InvalidChatException("model", text, code: code));
            Assert.Equal(status, error.Status);

            var bodies = Formats.Select(format => format.Body(error)["error"]!).ToList();
            Assert.Equal([openAiType, anthropicType], bodies.Select(body => (string?)body["type"]));
            Assert.Equal((code, "model"), ((string?)bodies[0]["code"], (string?)bodies[0]["param"]));
            Assert.All(bodies, body => Assert.Equal(code is null ? $"model: {text}" : text, (string?)body["message"]));
        }
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData(InvalidChatException.ProviderNotConfigured, false)]
    [InlineData(InvalidChatException.ProviderNotFound, true)]
    [InlineData(InvalidChatException.ModelNotFound, true)]
    public void The_articles_clients_find_an_unknown_provider_or_model_by_its_code(string? code, bool hasError)
    {
        foreach (var text in Texts)
        {
            var result = new InvalidChatException("provider", text, code: code).ToResult();
            var problem = Assert.IsType<ProblemAnswer>(result).Details;
            Assert.Equal(hasError ? text : null, problem.Extensions.TryGetValue("error", out var error) ? error : null);
        }
    }
}
