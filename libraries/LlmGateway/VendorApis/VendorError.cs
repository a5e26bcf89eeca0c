using System.Text.Json.Nodes;
using Runs;
using Streaming.Endpoints;

namespace LlmGateway.VendorApis;

/// <summary>An error in a vendor's format.</summary>
/// <param name="RetryAfter">Time to wait before the next try; null: not known. 429 and 503 always name one.</param>
/// <param name="MayRetry">False where the client's retries would only multiply the requests, as those after the
/// gateway's own.</param>
internal abstract record VendorError(int Status, string Message, TimeSpan? RetryAfter, bool MayRetry)
{
    protected const string StoppingMessage = "The server has ended this request before it was complete. Try again.";
    protected const string InternalMessage = "The server failed. Its log has the reason.";
    protected static readonly TimeSpan StoppingDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan UsualDelay = TimeSpan.FromSeconds(5);

    /// <summary>The vendor's response header with the id of the request.</summary>
    protected abstract string RequestIdHeader { get; }

    /// <summary>The error as a frame of a stream has it.</summary>
    public abstract JsonObject Body { get; }

    /// <summary>Returns the error as a response has it.</summary>
    protected virtual JsonObject Response(string requestId) => Body;

    public async Task WriteAsync(HttpContext context)
    {
        if (context.Response.HasStarted)
            return;
        var headers = context.Response.Headers;
        context.Response.StatusCode = Status;
        headers.TryAdd(RequestIdHeader, $"req_{Guid.NewGuid():N}");
        if ((RetryAfter ?? (Status is 429 or 503 ? UsualDelay : null)) is { } wait)
            context.SetRetryAfter(wait);
        if (!MayRetry && Status is (429 or >= 500))
            headers["x-should-retry"] = "false";
        await context.Response.WriteAsJsonAsync(
            Response(headers[RequestIdHeader].ToString()),
            RunJson.Options,
            "application/json",
            context.RequestAborted
        );
    }
}
