using Microsoft.AspNetCore.Http.Features;
using Streaming.Endpoints;

namespace Streaming.Opening;

internal static class StreamHead
{
    /// <summary>Sets the headers of a stream, and lets its client read as slowly as it likes.</summary>
    public static void Set(HttpContext context)
    {
        var response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold the frames back
        context.Features.Get<IResponseRateFeature>()?.Disable();
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }
}
