namespace StreamApi.Security;

/// <summary>Cross-origin access to the streams (Fetch, CORS).</summary>
internal static class Cors
{
    private static readonly string[] LoopbackHosts = ["localhost", "127.0.0.1", "[::1]"];

    /// <summary>
    /// Allows the origins of <c>Cors:AllowedOrigins</c>; in Development also <c>http://localhost:3000</c>, and this
    /// machine by each of its names, whichever the page was opened at.
    /// </summary>
    public static void AddCors(this WebApplicationBuilder builder)
    {
        var origins = builder.Configuration.GetSection("Cors:AllowedOrigins").Get<string[]>() ?? [];

        if (builder.Environment.IsDevelopment())
            origins = [.. origins.Append("http://localhost:3000").SelectMany(NamesOf)];

        origins = [.. origins.Select(AsBrowsersSendIt)];
        builder.Services.AddCors(cors =>
            cors.AddDefaultPolicy(policy =>
                policy
                    .WithOrigins(origins)
                    .WithMethods("GET", "POST", "PUT", "PATCH", "DELETE", "QUERY")
                    // Any: the vendors' clients send many of their own, such as x-stainless-runtime.
                    .AllowAnyHeader()
                    .WithExposedHeaders(
                        "X-Sse-Position",
                        "Retry-After",
                        "Link",
                        "Location",
                        "X-Request-Id",
                        "Request-Id"
                    )
                    .AllowCredentials()
                    .SetPreflightMaxAge(TimeSpan.FromHours(1))
            )
        );
    }

    /// <summary>Returns true for a request that the CORS middleware answers itself (Fetch, CORS-preflight
    /// request).</summary>
    public static bool IsPreflight(HttpContext context) =>
        HttpMethods.IsOptions(context.Request.Method)
        && context.Request.Headers.Origin.Count > 0
        && context.Request.Headers.AccessControlRequestMethod.Count > 0;

    /// <summary>Returns the origins that lead to the same server of this machine; another one alone.</summary>
    private static IEnumerable<string> NamesOf(string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.IsLoopback
            ? LoopbackHosts.Select(host => $"{uri.Scheme}://{host}:{uri.Port}")
            : [origin];

    /// <summary>Removes a default port, which browsers do not send: <c>https://a:443</c> is <c>https://a</c>.</summary>
    private static string AsBrowsersSendIt(string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri is { IsDefaultPort: true, Host.Length: > 0 }
            ? uri.GetLeftPart(UriPartial.Authority)
            : origin;
}
