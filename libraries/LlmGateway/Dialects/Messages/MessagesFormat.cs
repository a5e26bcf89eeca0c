namespace LlmGateway.Dialects.Messages;

/// <summary>
/// Anthropic's format. A frame has its type as its name, and while the provider is silent the stream has <c>ping</c>.
/// Errors are <c>{"type":"error","error":{"type","message"}}</c>.
/// </summary>
internal sealed class MessagesFormat : VendorFormat
{
    public static MessagesFormat Instance { get; } = new();

    public override string RequestIdHeader => "request-id";
    public override bool HasNames => true;
    public override byte[] Heartbeat { get; } = VendorFrame.Of(new JsonObject { ["type"] = "ping" }, "ping");

    public override JsonObject Body(VendorError error)
    {
        JsonObject inner = [new("type", TypeOf(error.Status)), new("message", error.Message)];
        if (error.Code == InvalidChatException.ThreadNotFound)
            inner["details"] = new JsonObject { ["error_code"] = error.Code };
        return [new("type", "error"), new("error", inner)];
    }

    protected override JsonObject Response(VendorError error, string requestId)
    {
        var body = Body(error);
        body["request_id"] = requestId;
        return body;
    }

    private static string TypeOf(int status) =>
        status switch
        {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            503 or 529 => "overloaded_error",
            504 => "timeout_error",
            499 or >= 500 => "api_error",
            _ => "invalid_request_error",
        };
}
