using System.Text.Json.Nodes;

namespace LlmGateway.VendorApis;

/// <summary>OpenAI's error: <c>{"error":{"message","type","param","code"}}</c>.</summary>
internal sealed record OpenAiError(
    int Status,
    string Message,
    string Type,
    string? Param = null,
    string? Code = null,
    TimeSpan? RetryAfter = null,
    bool MayRetry = true
) : VendorError(Status, Message, RetryAfter, MayRetry)
{
    public const string RequestId = "x-request-id";

    public static OpenAiError Internal { get; } = new(500, InternalMessage, "server_error");

    public static OpenAiError Stopping { get; } = new(503, StoppingMessage, "server_error", RetryAfter: StoppingDelay);

    public static OpenAiError Of(InvalidChatException e) =>
        e.Field == "model" && e.Message.StartsWith("Unsupported model", StringComparison.Ordinal)
            ? new(404, e.Message, "invalid_request_error", "model", "model_not_found")
            : new(
                e.Status,
                char.IsUpper(e.Message[0]) || e.Field == "model" ? e.Message : $"{e.Field}: {e.Message}",
                "invalid_request_error",
                e.Field is "body" or "Content-Type" ? null : e.Field,
                e.Message.StartsWith("Unsupported parameter", StringComparison.Ordinal) ? "unsupported_parameter" : null
            );

    public static OpenAiError Of(UpstreamException e) =>
        new(
            e.Status,
            e.Message,
            e.Status switch
            {
                429 => "rate_limit_error",
                >= 500 => "server_error",
                _ => "invalid_request_error",
            },
            Code: e.Status == 429 ? "rate_limit_exceeded" : e.Reason,
            RetryAfter: e.RetryAfter,
            MayRetry: e.MayRetry
        );

    /// <summary>Refuses a request in OpenAI's format.</summary>
    public static Task RefuseAsync(HttpContext context, int status, string message, TimeSpan? retryAfter) =>
        new OpenAiError(
            status,
            message,
            status switch
            {
                401 => "authentication_error",
                403 => "permission_error",
                429 => "rate_limit_error",
                >= 500 => "server_error",
                _ => "invalid_request_error",
            },
            Code: status switch
            {
                401 => "invalid_api_key",
                404 => "unknown_url",
                405 => "method_not_supported",
                429 => "rate_limit_exceeded",
                _ => null,
            },
            RetryAfter: retryAfter
        ).WriteAsync(context);

    protected override string RequestIdHeader => RequestId;

    public override JsonObject Body =>
        new()
        {
            ["error"] = new JsonObject
            {
                ["message"] = Message,
                ["type"] = Type,
                ["param"] = Param,
                ["code"] = Code,
            },
        };
}
