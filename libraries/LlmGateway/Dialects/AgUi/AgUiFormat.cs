using System.Text.Json.Nodes;

namespace LlmGateway.Dialects.AgUi;

/// <summary>The frame format of AG-UI: events without names. A refusal's body is the event that ends a run.
/// <code>{"type":"RUN_ERROR","message":"threadId is required.","code":"invalid_request"}</code></summary>
internal sealed class AgUiFormat : VendorFormat
{
    public static AgUiFormat Instance { get; } = new();

    public override JsonObject Body(VendorError error) =>
        VendorFrame.Event(
            "RUN_ERROR",
            ("message", error.Message),
            ("code", error.Code ?? (error.Status < 500 ? "invalid_request" : "server_error"))
        );
}
