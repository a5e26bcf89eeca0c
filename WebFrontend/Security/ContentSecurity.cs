using WebFrontend.Status;

namespace WebFrontend.Security;

/// <summary>
/// Security headers. A page runs and shows only files of this origin and connects only to StreamApi: no inline scripts,
/// no third parties.
/// </summary>
internal static class ContentSecurity
{
    // One year over HTTPS outside Development (RFC 6797), never for localhost.
    public static void AddContentSecurity(this WebApplicationBuilder builder) =>
        builder.Services.AddHsts(hsts => hsts.MaxAge = TimeSpan.FromDays(365));

    public static void UseContentSecurity(this WebApplication app)
    {
        var policy = string.Join(
            "; ",
            "default-src 'self'",
            $"connect-src 'self' {app.Services.GetRequiredService<StreamApiAddress>().Origin}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'"
        );

        if (!app.Environment.IsDevelopment())
            app.UseHsts();

        app.Use(
            (context, next) =>
            {
                context.Response.Headers.ContentSecurityPolicy = policy;
                context.Response.Headers.XContentTypeOptions = "nosniff";
                context.Response.Headers["Referrer-Policy"] = "no-referrer";
                context.Response.Headers["Cross-Origin-Opener-Policy"] = "same-origin";
                context.Response.Headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";
                return next(context);
            }
        );
    }
}
