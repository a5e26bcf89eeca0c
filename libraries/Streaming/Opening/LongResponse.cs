using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.OutputCaching;

namespace Streaming.Opening;

/// <summary>Tells ASP.NET's middleware that a response has no end, so that none of it times, counts, stores, compresses
/// or replaces the response.</summary>
internal static class LongResponse
{
    /// <summary>Announces a stream. It is called as soon as a stream is known to follow, and again when the headers are
    /// set.</summary>
    public static void Announce(HttpContext context)
    {
        var features = context.Features;
        features.Get<IHttpRequestTimeoutFeature>()?.DisableTimeout();

        if (features.Get<IHttpMetricsTagsFeature>() is { } metrics)
            metrics.MetricsDisabled = true;
        // A page for people in place of a bare status would end an EventSource, too.
        if (features.Get<IStatusCodePagesFeature>() is { } pages)
            pages.Enabled = false;
        if (features.Get<IOutputCacheFeature>() is { } cache)
            cache.Context.AllowCacheStorage = false;

        // Response compression reads this header again before the first byte. It would hold frames back; on a
        // taken-over connection it would encode the head, but not the frames.
        context.Request.Headers.AcceptEncoding = default;
    }

    /// <summary>Returns true if the output cache lets other requests of this URL wait for this one.</summary>
    public static bool HoldsOthers(HttpContext context) =>
        context.Features.Get<IOutputCacheFeature>()?.Context
            is { EnableOutputCaching: true, AllowCacheStorage: true, AllowLocking: true };
}
