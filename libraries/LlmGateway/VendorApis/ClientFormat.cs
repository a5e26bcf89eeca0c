using LlmGateway.VendorApis.ChatCompletions;
using LlmGateway.VendorApis.Messages;

namespace LlmGateway.VendorApis;

/// <summary>The format of a client whose path does not tell the vendor.</summary>
internal static class ClientFormat
{
    /// <summary>Returns the vendor's whose clients send such headers.</summary>
    public static VendorFormat Of(HttpContext context) =>
        context.Request.Headers.ContainsKey("anthropic-version")
            ? MessagesFormat.Instance
            : ChatCompletionsFormat.Instance;
}
