using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.OutputCaching;

namespace Streaming.Opening;

/// <summary>Tells ASP.NET's middleware that a response has no end, so that none of it times, stores, compresses or
/// replaces the response, and ASP.NET's metrics whether they count it.</summary>
internal static class LongResponse
{
    /// <summary>Announces a stream. It is called as soon as a stream is known to follow, and again when the headers are
    /// set.</summary>
    public static void Announce(HttpContext context)
    {
        var features = context.Features;
        features.Get<IHttpRequestTimeoutFeature>()?.DisableTimeout();

        // A page for people in place of a bare status would end an EventSource, too.
        if (features.Get<IStatusCodePagesFeature>() is { } pages)
            pages.Enabled = false;
        if (features.Get<IOutputCacheFeature>() is { } cache)
            cache.Context.AllowCacheStorage = false;

        // Response compression reads this header again before the first byte. It would hold frames back; on a
        // taken-over connection it would encode the head, but not the frames.
        context.Request.Headers.AcceptEncoding = default;
    }

    /// <summary>Returns true if the request will be in <c>http.server.request.duration</c>. A host may have left it
    /// out.</summary>
    public static bool IsCounted(HttpContext context) =>
        context.Features.Get<IHttpMetricsTagsFeature>() is { MetricsDisabled: false };

    /// <summary>Leaves a request out of <c>http.server.request.duration</c>, or takes it in again. The length of
    /// what waits for events is no latency; a refusal counts.</summary>
    public static void Count(HttpContext context, bool isCounted)
    {
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } metrics)
            metrics.MetricsDisabled = !isCounted;
    }

    /// <summary>Returns true if the output cache lets other requests of this URL wait for this one.</summary>
    public static bool HoldsOthers(HttpContext context) =>
        context.Features.Get<IOutputCacheFeature>()?.Context
            is { EnableOutputCaching: true, AllowCacheStorage: true, AllowLocking: true };
}
