using LlmGateway.Dialects.ChatCompletions;
using LlmGateway.Dialects.Messages;

namespace LlmGateway.Dialects.Paths;

/// <summary>The format for a client whose request path does not tell its vendor.</summary>
internal static class ClientFormat
{
    /// <summary>Returns the format of the vendor whose clients send the request's headers.</summary>
    public static VendorFormat Of(HttpContext context) =>
        context.Request.Headers.ContainsKey("anthropic-version")
            ? MessagesFormat.Instance
            : ChatCompletionsFormat.Instance;

    /// <summary>Returns true if a header identifies the client: Anthropic's <c>anthropic-version</c>, OpenAI's
    /// <c>User-Agent</c>, or <c>x-stainless-lang</c>, which the clients of both send from a page too.</summary>
    public static bool IsOfVendor(HttpRequest request) =>
        request.Headers.ContainsKey("anthropic-version")
        || request.Headers.ContainsKey("x-stainless-lang")
        || $"{request.Headers.UserAgent}".StartsWith("OpenAI/", StringComparison.Ordinal);
}
