using System.Globalization;
using System.Text.Json.Nodes;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Runs;

namespace LlmGateway.VendorApis;

/// <summary>Anthropic's error: <c>{"type":"error","error":{"type","message"}}</c>.</summary>
internal sealed record AnthropicError(int Status, string Message, TimeSpan? RetryAfter = null, bool MayRetry = true)
{
    public static AnthropicError Stopping { get; } =
        new(503, "The server is stopping. Try again.", TimeSpan.FromSeconds(1));

    public static AnthropicError Of(InvalidChatException e) =>
        new(
            e.Field == "model" && e.Message.StartsWith("Unsupported model", StringComparison.Ordinal) ? 404 : e.Status,
            e.Message.StartsWith("Unsupported", StringComparison.Ordinal) ? e.Message : $"{e.Field}: {e.Message}"
        );

    public static AnthropicError Of(UpstreamException e) =>
        new(e.Status, e.Message, e.RetryAfter, e.IsBusy || e.RetryAfter is not null);

    /// <summary>Refuses a request in Anthropic's format.</summary>
    public static Task RefuseAsync(HttpContext context, int status, string message, TimeSpan? retryAfter) =>
        new AnthropicError(status, message, retryAfter).WriteAsync(context);

    public JsonObject Body =>
        new()
        {
            ["type"] = "error",
            ["error"] = new JsonObject { ["type"] = Type, ["message"] = Message },
        };

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

    public async Task WriteAsync(HttpContext context)
    {
        if (context.Response.HasStarted)
            return;
        context.Response.StatusCode = Status;
        context.Response.Headers.TryAdd("request-id", $"req_{Guid.NewGuid():N}");
        if (RetryAfter is { } wait)
            context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds)
                .ToString(CultureInfo.InvariantCulture);
        // The gateway has retried already; the client's retries would multiply the requests.
        if (!MayRetry && Status is (429 or >= 500))
            context.Response.Headers["x-should-retry"] = "false";
        var body = Body;
        body["request_id"] = context.Response.Headers["request-id"].ToString();
        await context.Response.WriteAsJsonAsync(body, RunJson.Options, "application/json", context.RequestAborted);
    }
}
