using LlmGateway.Requests;

namespace LlmGateway.Dialects.UiMessages;

/// <summary>
/// The format of AI SDK's UI message stream: chunks without names, then <c>[DONE]</c>. The client shows the body of a
/// refusal to its user, and an error in a stream is the same object.
/// <code>{"type":"error","errorText":"messages is required.","code":null}</code>
/// </summary>
internal sealed class UiMessagesFormat : VendorFormat
{
    private const string Gateway = "aspire-sse",
        Signature = "signature";

    public static UiMessagesFormat Instance { get; } = new();

    public override byte[] Done { get; } = VendorFrame.Of("[DONE]");

    public override void SetHeaders(IHeaderDictionary headers)
    {
        base.SetHeaders(headers);
        headers["x-vercel-ai-ui-message-stream"] = "v1";
    }

    /// <summary>Returns the metadata with which a page sends reasoning back, or null without a signature.</summary>
    public static JsonObject? MetadataOf(string? signature) =>
        signature is null ? null : VendorFrame.Object((Gateway, VendorFrame.Object((Signature, signature))));

    /// <summary>Returns the signature of a part of a page, or null if it has none.</summary>
    public static string? SignatureOf(RequestValue part) =>
        part.Get("providerMetadata") is { IsObject: true } metadata && metadata.Get(Gateway) is { IsObject: true } own
            ? own.Text(Signature)
            : null;

    public override JsonObject Body(VendorError error) =>
        VendorFrame.Event("error", ("errorText", error.Message), ("code", error.Code));
}
