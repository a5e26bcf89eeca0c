using System.Text.Json.Nodes;

namespace LlmGateway.VendorApis;

/// <summary>Anthropic's error: <c>{"type":"error","error":{"type","message"}}</c>.</summary>
internal sealed record AnthropicError(int Status, string Message, TimeSpan? RetryAfter = null, bool MayRetry = true)
    : VendorError(Status, Message, RetryAfter, MayRetry)
{
    public const string RequestId = "request-id";

    public static AnthropicError Internal { get; } = new(500, InternalMessage);

    public static AnthropicError Stopping { get; } = new(503, StoppingMessage, StoppingDelay);

    public static AnthropicError Of(InvalidChatException e) =>
        new(
            e.Field == "model" && e.Message.StartsWith("Unsupported model", StringComparison.Ordinal) ? 404 : e.Status,
            e.Message.StartsWith("Unsupported", StringComparison.Ordinal) ? e.Message : $"{e.Field}: {e.Message}"
        );

    public static AnthropicError Of(UpstreamException e) => new(e.Status, e.Message, e.RetryAfter, e.MayRetry);

    /// <summary>Refuses a request in Anthropic's format.</summary>
    public static Task RefuseAsync(HttpContext context, int status, string message, TimeSpan? retryAfter) =>
        new AnthropicError(status, message, retryAfter).WriteAsync(context);

    protected override string RequestIdHeader => RequestId;

    public override JsonObject Body =>
        new()
        {
            ["type"] = "error",
            ["error"] = new JsonObject { ["type"] = Type, ["message"] = Message },
        };

    protected override JsonObject Response(string requestId)
    {
        var body = Body;
        body["request_id"] = requestId;
        return body;
    }

    private string Type =>
        Status switch
        {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            503 or 529 => "overloaded_error",
            504 => "timeout_error",
            >= 500 => "api_error",
            _ => "invalid_request_error",
        };
}
