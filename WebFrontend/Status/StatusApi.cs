namespace WebFrontend.Status;

/// <summary>
/// <c>GET /status?after=</c>: health, stats after that second and the Broadcaster, for the overview. Only the server
/// can read them, because browsers cannot reach the replicas' own addresses.
/// </summary>
internal static class StatusApi
{
    public static void AddStatus(this WebApplicationBuilder builder)
    {
        builder
            .Services.AddHttpClient<SystemStatus>(client => client.Timeout = SystemStatus.Timeout)
            // A redirect would carry the key to another server, and so would the environment's proxy.
            .ConfigurePrimaryHttpMessageHandler(() =>
                new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false }
            );
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
