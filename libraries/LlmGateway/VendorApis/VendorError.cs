using System.Globalization;
using System.Text.Json.Nodes;
using Runs;

namespace LlmGateway.VendorApis;

/// <summary>An error in a vendor's format.</summary>
/// <param name="RetryAfter">Time to wait before the next try; null: not known.</param>
/// <param name="MayRetry">False where the gateway has retried already: the client's retries would multiply the
/// requests.</param>
internal abstract record VendorError(int Status, string Message, TimeSpan? RetryAfter, bool MayRetry)
{
    protected const string StoppingMessage = "The server is stopping. Try again.";
    protected static readonly TimeSpan StoppingDelay = TimeSpan.FromSeconds(1);

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
        if (RetryAfter is { } wait)
            headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
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
