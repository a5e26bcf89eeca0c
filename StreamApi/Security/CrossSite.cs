using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Options;
using Streaming.Access;

namespace StreamApi.Security;

/// <summary>
/// Refuses requests that pages of other origins make a browser send, such as an image with
/// <c>src="/stream?prompt="</c>: they would cost money even if the page cannot read the response. Browsers state the
/// origin in <c>Sec-Fetch-Site</c> (W3C Fetch Metadata); other clients do not send it.
/// </summary>
internal static class CrossSite
{
    /// <summary>Runs after CORS, so that allowed origins stay allowed, and after the rate limiter, so that a refusal
    /// counts.</summary>
    public static void UseCrossSiteRefusal(this WebApplication app)
    {
        var cors = app.Services.GetRequiredService<IOptions<CorsOptions>>().Value;
        var allowed = cors.GetPolicy(cors.DefaultPolicyName);
        app.Use(
            (context, next) =>
                !IsOfOtherOrigin(context.Request) || !HasEffects(context) || IsAllowed(context.Request.Headers.Origin)
                    ? next(context)
                    : RequestRefusal.WriteAsync(
                        context,
                        StatusCodes.Status403Forbidden,
                        "Cross-site request refused",
                        "A page of another origin sent this request, and the endpoint changes data or starts paid "
                            + "work. Add its origin to Cors:AllowedOrigins, and use fetch or EventSource."
                    )
        );

        bool IsAllowed(string? origin) => origin is { Length: > 0 } && allowed?.IsOriginAllowed(origin) == true;
    }

    // A page of the same site is one of another port of this machine, or of a sibling's name. "none": the visitor typed
    // the address.
    private static bool IsOfOtherOrigin(HttpRequest request) =>
        request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin" or "none");

    private static bool HasEffects(HttpContext context) =>
        !(
            HttpMethods.IsGet(context.Request.Method)
            || HttpMethods.IsHead(context.Request.Method)
            || HttpMethods.IsOptions(context.Request.Method)
        ) || context.GetEndpoint()?.Metadata.GetMetadata<StartsWorkMetadata>() is not null;
}
