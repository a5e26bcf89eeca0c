using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.OutputCaching;

namespace Streaming.Endpoints;

/// <summary>Marks endpoints for programs: a refusal is a status, not a page for people or a redirect to one, which
/// <c>EventSource</c> would follow.</summary>
/// <remarks>No output cache stores their answers, because an answer changes and belongs to one caller.</remarks>
internal interface IApiEndpoint : IDisableCookieRedirectMetadata, ISkipStatusCodePagesMetadata, IOutputCachePolicy
{
    ValueTask IOutputCachePolicy.CacheRequestAsync(OutputCacheContext context, CancellationToken cancellation)
    {
        context.EnableOutputCaching = false;
        context.AllowCacheStorage = false;
        return default;
    }

    ValueTask IOutputCachePolicy.ServeFromCacheAsync(OutputCacheContext context, CancellationToken cancellation) =>
        default;

    ValueTask IOutputCachePolicy.ServeResponseAsync(OutputCacheContext context, CancellationToken cancellation) =>
        default;
}
