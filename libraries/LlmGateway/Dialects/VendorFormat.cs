using EventStore;
using Streaming.Frames;

namespace LlmGateway.Dialects;

/// <summary>The format of a vendor's API: the frames of its answers, and its errors.</summary>
/// <param name="Vendor">Name of the vendor, or of the project whose API it is.</param>
/// <param name="Reference">Address of the vendor's own description.</param>
/// <param name="Body">Returns the JSON of an error in a frame of a stream.</param>
internal sealed record VendorFormat(string Vendor, string Reference, Func<VendorError, JsonObject> Body)
{
    private static readonly TimeSpan UsualDelay = TimeSpan.FromSeconds(5);

    /// <summary>Response header with the id of the request.</summary>
    public string RequestIdHeader { get; init; } = "x-request-id";

    /// <summary>True if the body of a refusal has the id of the request, too.</summary>
    public bool RepeatsRequestId { get; init; }

    /// <summary>Another header of every response.</summary>
    public (string Name, string Value)? Header { get; init; }

    /// <summary>Frame that a stream sends while its provider is silent.</summary>
    public byte[] Heartbeat { get; init; } = SseFrame.Comment("waiting for the model");

    /// <summary>Frame that follows a complete answer, or null if the answer has its own end.</summary>
    public byte[]? Done { get; init; }

    /// <summary>True if a frame has its type as its name.</summary>
    public bool HasNames { get; init; }

    /// <summary>True if a client that already has every frame gets the last one again, without its id.</summary>
    public bool RepeatsEnd { get; init; }

    /// <summary>Returns the error that ends a run's stream before the run's end, or null if the body then breaks, so
    /// that the client reconnects.</summary>
    public Func<HttpRequest, VendorError?> EarlyEnd { get; init; } = _ => null;

    /// <summary>Sets the headers that every response has.</summary>
    public void SetHeaders(IHeaderDictionary headers)
    {
        headers.TryAdd(RequestIdHeader, $"req_{Guid.NewGuid():N}");
        if (Header is var (name, value))
            headers[name] = value;
    }

    /// <summary>Encodes a frame of an answer, or an error.</summary>
    public byte[] Frame(JsonObject frame, string? id = null) =>
        VendorFrame.Of(frame, HasNames ? (string?)frame["type"] : null, id);

    /// <summary>Encodes an error in a stream.</summary>
    public byte[] Frame(VendorError error) => Frame(Body(error));

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

        var body = Body(error);
        if (RepeatsRequestId)
            body["request_id"] = headers[RequestIdHeader].ToString();
        await context.Response.WriteAsJsonAsync(
            body,
            RunJson.Options.TypeOf<JsonObject>(),
            "application/json",
            context.RequestAborted
        );
    }
}
