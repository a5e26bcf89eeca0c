using Microsoft.Extensions.DependencyInjection.Extensions;

namespace WebFrontend.Status;

/// <summary><c>GET /status?after=</c>: what only this side of the firewall can ask, for the overview: each replica's
/// health, figures after that second, and the Broadcaster.</summary>
internal static class StatusApi
{
    public static void AddStatus(this WebApplicationBuilder builder)
    {
        builder.Services.AddHttpClient<SystemStatus>(client => client.Timeout = SystemStatus.Patience);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<StatusCache>();
    }

    public static void MapStatus(this IEndpointRouteBuilder app) =>
        app.MapGet(
                "/status",
                async (long? after, StatusCache cache, HttpContext context) =>
                {
                    context.Response.Headers.CacheControl = "no-store";
                    return TypedResults.Ok((await cache.GetAsync(context.RequestAborted)).After(after ?? 0));
                }
            )
            .DisableHttpMetrics();
}
