using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Streaming.Access;

namespace StreamApi.Security;

/// <summary>
/// Refuses what pages of other sites make a browser do: an image or a link to <c>/stream?prompt=</c> would work and
/// pay, and its page need not be able to read the answer. Browsers say where a request comes from
/// (<c>Sec-Fetch-Site</c>, W3C Fetch Metadata); other clients do not send it.
/// </summary>
internal static class CrossSite
{
    /// <summary>After CORS, whose origins may do what they are allowed to.</summary>
    public static void UseCrossSiteRefusal(this WebApplication app)
    {
        var cors = app.Services.GetRequiredService<IOptions<CorsOptions>>().Value;
        var allowed = cors.GetPolicy(cors.DefaultPolicyName);
        app.Use(
            (context, next) =>
                !IsCrossSite(context.Request) || !Works(context) || IsAllowed(context.Request.Headers.Origin)
                    ? next(context)
                    : Refusals.WriteAsync(
                        context,
                        StatusCodes.Status403Forbidden,
                        "Request of another site",
                        "A page of another site asked for this, and it changes something or costs something. Let its origin in by Cors:AllowedOrigins, and ask with fetch or EventSource."
                    )
        );

        bool IsAllowed(string? origin) => origin is { Length: > 0 } && allowed?.IsOriginAllowed(origin) == true;
    }

    private static bool IsCrossSite(HttpRequest request) => request.Headers["Sec-Fetch-Site"] == "cross-site";

    private static bool Works(HttpContext context) =>
        !(
            HttpMethods.IsGet(context.Request.Method)
            || HttpMethods.IsHead(context.Request.Method)
            || HttpMethods.IsOptions(context.Request.Method)
        ) || context.GetEndpoint()?.Metadata.GetMetadata<StartsWorkMetadata>() is not null;
}
