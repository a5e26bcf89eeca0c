using System.Text.Json.Nodes;
using Runs;
using Streaming.Endpoints;

namespace LlmGateway.VendorApis;

/// <summary>A vendor's format of errors.</summary>
internal abstract class VendorErrorFormat
{
    private static readonly TimeSpan UsualDelay = TimeSpan.FromSeconds(5);

    /// <summary>The vendor's response header with the id of the request.</summary>
    public abstract string RequestIdHeader { get; }

    /// <summary>Returns the error as a frame of a stream has it.</summary>
    public abstract JsonObject Body(VendorError error);

    /// <summary>Returns the error as a response has it.</summary>
    protected virtual JsonObject Response(VendorError error, string requestId) => Body(error);

    /// <summary>Refuses a request that has not reached its endpoint.</summary>
    public Task RefuseAsync(HttpContext context, int status, string message, TimeSpan? retryAfter) =>
        WriteAsync(context, VendorError.Of(status, message, retryAfter));

    public async Task WriteAsync(HttpContext context, VendorError error)
    {
        if (context.Response.HasStarted)
            return;
        var (status, headers) = (error.Status, context.Response.Headers);
        context.Response.StatusCode = status;
        headers.TryAdd(RequestIdHeader, $"req_{Guid.NewGuid():N}");
        if ((error.RetryAfter ?? (status is 429 or 503 ? UsualDelay : null)) is { } wait)
            context.SetRetryAfter(wait);
        if (!error.MayRetry && status is (429 or >= 500))
            headers["x-should-retry"] = "false";

        await context.Response.WriteAsJsonAsync(
            Response(error, headers[RequestIdHeader].ToString()),
            RunJson.Options,
            "application/json",
            context.RequestAborted
        );
    }
}
