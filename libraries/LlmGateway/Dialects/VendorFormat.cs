using EventStore;
using Streaming.Frames;

namespace LlmGateway.Dialects;

/// <summary>The format of a vendor's API: its requests, the frames of its answers, and its errors.</summary>
internal abstract class VendorFormat
{
    private static readonly TimeSpan UsualDelay = TimeSpan.FromSeconds(5);

    /// <summary>The vendor's response header with the id of the request.</summary>
    public virtual string RequestIdHeader => "x-request-id";

    /// <summary>Sets the headers that every response has.</summary>
    public virtual void SetHeaders(IHeaderDictionary headers) =>
        headers.TryAdd(RequestIdHeader, $"req_{Guid.NewGuid():N}");

    /// <summary>Frame that a stream sends while its provider is silent.</summary>
    public virtual byte[] Heartbeat { get; } = SseFrame.Comment("waiting for the model");

    /// <summary>Frame that follows a complete answer, or null if the answer has its own end.</summary>
    public virtual byte[]? Done => null;

    /// <summary>True if a frame has its type as its name.</summary>
    public virtual bool HasNames => false;

    /// <summary>True if a client that already has every frame gets the last one again, without its id.</summary>
    public virtual bool RepeatsEnd => false;

    /// <summary>Returns the error that ends a run's stream before the run's end, or null if the body then breaks, so
    /// that the client reconnects.</summary>
    public virtual VendorError? EarlyEnd(HttpRequest request) => null;

    /// <summary>Encodes a frame of an answer, or an error.</summary>
    public byte[] Frame(JsonObject frame, string? id = null) =>
        VendorFrame.Of(frame, HasNames ? (string?)frame["type"] : null, id);

    /// <summary>Returns the JSON of an error in a frame of a stream.</summary>
    public abstract JsonObject Body(VendorError error);

    /// <summary>Returns the JSON of an error in a response without streaming.</summary>
    protected virtual JsonObject Response(VendorError error, string requestId) => Body(error);

    /// <summary>Refuses a request that has not reached its endpoint.</summary>
    public Task RefuseAsync(HttpContext context, int status, string message, TimeSpan? retryAfter) =>
        WriteAsync(context, VendorError.Of(status, message, retryAfter));

    public async Task WriteAsync(HttpContext context, VendorError error)
    {
        if (context.Response.HasStarted)
            return;

        var status = error.Status;
        var headers = context.Response.Headers;
        context.Response.StatusCode = status;
        SetHeaders(headers);

        if ((error.RetryAfter ?? (status is 429 or 503 ? UsualDelay : null)) is { } wait)
            context.SetRetryAfter(wait);
        if (!error.MayRetry && status is (429 or >= 500))
            headers["x-should-retry"] = "false";

        await context.Response.WriteAsJsonAsync(
            Response(error, headers[RequestIdHeader].ToString()),
            RunJson.Options.TypeOf<JsonObject>(),
            "application/json",
            context.RequestAborted
        );
    }
}
