using LlmGateway.Dialects.ChatCompletions;
using LlmGateway.Dialects.Messages;

namespace LlmGateway.Dialects;

/// <summary>The format of a client whose path does not tell the vendor.</summary>
internal static class ClientFormat
{
    /// <summary>Returns the vendor's whose clients send such headers.</summary>
    public static VendorFormat Of(HttpContext context) =>
        context.Request.Headers.ContainsKey("anthropic-version")
            ? MessagesFormat.Instance
            : ChatCompletionsFormat.Instance;

    /// <summary>True if the client names itself: Anthropic's by a version, OpenAI's as a program by its name, both by
    /// their generator in a page.</summary>
    public static bool IsOfVendor(HttpRequest request) =>
        request.Headers.ContainsKey("anthropic-version")
        || request.Headers.ContainsKey("x-stainless-lang")
        || $"{request.Headers.UserAgent}".StartsWith("OpenAI/", StringComparison.Ordinal);
}
