using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using StreamApi.Security.Credentials;
using StreamApi.Security.Limits;
using StreamApi.Security.Tickets;

namespace StreamApi.Security;

/// <summary>
/// Authentication, authorization and limits, once per request. A stream keeps its grants and ends with them, so a
/// delivery needs no check.
/// </summary>
internal static class SecurityExtensions
{
    public static void AddSecurity(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        builder.AddProblems();
        builder.AddCors();
        services
            .AddOptions<SecurityOptions>()
            .BindConfiguration("Security")
            .PostConfigure<IHostEnvironment>((options, environment) => options.SetDefaults(environment))
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<SecurityOptions>, ValidateSecurityOptions>();
        services.AddSingleton<BearerTokens>();
        services.AddSingleton<ApiKeys>();
        services.AddSingleton<StreamTickets>();
        services
            .AddAuthentication(CredentialHandler.Name)
            .AddScheme<AuthenticationSchemeOptions, CredentialHandler>(CredentialHandler.Name, null);
        // Endpoints without a policy require an authenticated caller.
        services
            .AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        services.AddSingleton<IAuthorizationHandler, TopicAccessHandler>();
        services.AddSingleton<IStreamAccess, CallerAccess>();
        services.AddSingleton<IConfigureOptions<ForwardedHeadersOptions>, TrustedProxies>();
        builder.AddLimits();
        // "Request starting" logs the query string, which may hold a ticket.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning);
    }

    public static void UseSecurity(this WebApplication app)
    {
        app.UseLingeringBodies();
        app.UseProblems();
        app.UseHeadRequests();

        if (app.Services.GetRequiredService<IOptions<SecurityOptions>>().Value.Proxies.Count > 0)
            app.UseForwardedHeaders();
        if (!app.Environment.IsDevelopment())
            app.UseHsts();

        app.Use(
            (context, next) =>
            {
                context.Response.Headers.XContentTypeOptions = "nosniff";
                return next(context);
            }
        );
        MinResponseRate.Use(app);
        // CORS answers a preflight, which carries no credentials. Without a limit of its own, it would have none.
        app.UseWhen(Cors.IsPreflight, RequestAdmission.Use);
        app.UseCors();
        app.UseAuthentication();
        app.UseStreamBodies();
        RequestAdmission.Use(app);
        app.UseAuthorization();
        app.UseKnownQueryNames();
    }

    public static void MapSecurity(this IEndpointRouteBuilder app) =>
        app.MapSseTickets("/v1/stream-tickets").CountedAs(RequestKind.Publish).WithTags("Events");
}
