using System.Text.Json.Nodes;

namespace LlmGateway.Dialects.UiMessages;

/// <summary>
/// The format of AI SDK's UI message stream: chunks without names, then <c>[DONE]</c>. The client shows the body of a
/// refusal to its user, and an error in a stream is the same object.
/// <code>{"type":"error","errorText":"messages is required.","code":null}</code>
/// </summary>
internal sealed class UiMessagesFormat : VendorFormat
{
    public static UiMessagesFormat Instance { get; } = new();

    public override byte[] Done { get; } = VendorFrame.Of("[DONE]");

    public override void SetHeaders(IHeaderDictionary headers)
    {
        base.SetHeaders(headers);
        headers["x-vercel-ai-ui-message-stream"] = "v1";
    }

    public override JsonObject Body(VendorError error) =>
        VendorFrame.Event("error", ("errorText", error.Message), ("code", error.Code));
}
