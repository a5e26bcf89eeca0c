using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Primitives;
using Streaming.Takeover;

namespace Streaming.Opening;

internal static class StreamResponseHeaders
{
    /// <summary>A header with one value that is null: Kestrel neither sends it nor adds its own.</summary>
    private static readonly StringValues Unsent = new((string?[])[null]);

    /// <summary>Sets the headers of a stream, and lets its client read as slowly as it likes.</summary>
    /// <param name="context">The request.</param>
    /// <param name="isRefusal">True if the stream only tells the client to come later.</param>
    public static void Set(HttpContext context, bool isRefusal = false)
    {
        LongResponse.Announce(context);
        if (!isRefusal)
            LongResponse.Count(context, isCounted: false);

        var response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold the frames back

        if (Closes(context))
        {
            response.Headers.Connection = Unsent;
            response.Headers.KeepAlive = KestrelTakeover.NotKept;
        }

        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
            rate.MinDataRate = null; // HTTP/1.1 only

        // This call also lifts a host's own limit for slow readers, such as StreamApi's.
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    /// <summary>
    /// Returns true if Kestrel would send <c>Connection: close</c>, with which Node's <c>fetch</c> takes a cut body for
    /// a complete one.
    /// </summary>
    private static bool Closes(HttpContext context) =>
        HttpProtocol.IsHttp11(context.Request.Protocol)
        && (context.Response.Headers.Connection.Count > 0 || AsksToClose(context.Request));

    private static bool AsksToClose(HttpRequest request) =>
        request.Headers.Connection.ToString().Contains("close", StringComparison.OrdinalIgnoreCase);
}
