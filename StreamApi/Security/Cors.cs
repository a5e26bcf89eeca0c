namespace StreamApi.Security;

/// <summary>Cross-origin access to the streams (Fetch, CORS).</summary>
internal static class Cors
{
    private static readonly string[] LoopbackHosts = ["localhost", "127.0.0.1", "[::1]"];

    /// <summary>
    /// Allows the origins of <c>Cors:AllowedOrigins</c>; in Development also <c>http://localhost:3000</c>, and this
    /// machine by each of its names, whichever the page was opened at. An entry that is not an origin fails the start.
    /// </summary>
    public static void AddCors(this WebApplicationBuilder builder) =>
        builder.Services.AddCors(cors =>
            cors.AddDefaultPolicy(policy =>
                policy
                    .WithOrigins(OriginsOf(builder))
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

    /// <summary>Returns true for a request that the CORS middleware answers itself (Fetch, CORS-preflight
    /// request).</summary>
    public static bool IsPreflight(HttpContext context) =>
        HttpMethods.IsOptions(context.Request.Method)
        && context.Request.Headers.Origin.Count > 0
        && context.Request.Headers.AccessControlRequestMethod.Count > 0;

    private static string[] OriginsOf(WebApplicationBuilder builder)
    {
        var set = builder.Configuration.GetSection("Cors:AllowedOrigins").GetChildren().Select(AsBrowsersSendIt);
        return builder.Environment.IsDevelopment()
            ? [.. set.Append("http://localhost:3000").SelectMany(NamesOf)]
            : [.. set];
    }

    /// <summary>Returns the origins that lead to the same server of this machine; another one alone.</summary>
    private static IEnumerable<string> NamesOf(string origin)
    {
        var uri = new Uri(origin);
        return uri.IsLoopback
            ? LoopbackHosts.Select(host => origin.Replace(uri.Host, host, StringComparison.Ordinal))
            : [origin];
    }

    /// <summary>Removes a slash at the end, and a default port: browsers send neither.</summary>
    private static string AsBrowsersSendIt(IConfigurationSection setting) =>
        Uri.TryCreate(setting.Value, UriKind.Absolute, out var uri)
        && uri is { HostNameType: not (UriHostNameType.Unknown or UriHostNameType.Basic), UserInfo: "" }
        && uri.GetComponents(UriComponents.PathAndQuery | UriComponents.Fragment, UriFormat.UriEscaped) is "/" or ""
            ? uri.GetLeftPart(UriPartial.Authority)
            : throw new InvalidOperationException(
                $"{setting.Path} is '{setting.Value}'. An origin has a scheme, a host and at most a port, as in "
                    + "https://app.example.com:8443; another one needs an entry of its own."
            );
}
