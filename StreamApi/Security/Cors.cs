namespace StreamApi.Security;

/// <summary>Cross-origin access to the streams (Fetch, CORS).</summary>
internal static class Cors
{
    /// <summary>
    /// Allows the origins of <c>Cors:AllowedOrigins</c>; in Development also <c>http://localhost:3000</c>.
    /// </summary>
    public static void AddCors(this WebApplicationBuilder builder)
    {
        var origins = builder.Configuration.GetSection("Cors:AllowedOrigins").Get<string[]>() ?? [];
        if (builder.Environment.IsDevelopment())
            origins = [.. origins, "http://localhost:3000"];
        builder.Services.AddCors(cors =>
            cors.AddDefaultPolicy(policy =>
                policy
                    .WithOrigins(origins)
                    .WithMethods("GET", "POST", "PUT", "PATCH", "DELETE", "QUERY")
                    .WithHeaders(
                        "Last-Event-ID",
                        "Authorization",
                        "Content-Type",
                        "Cache-Control",
                        "Accept",
                        "Idempotency-Key"
                    )
                    .WithExposedHeaders("X-Sse-Position", "Retry-After", "Link")
                    .AllowCredentials()
                    .SetPreflightMaxAge(TimeSpan.FromHours(1))
            )
        );
    }
}
