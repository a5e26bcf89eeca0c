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
        services.AddSingleton<CallerFinder>();
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
        app.UseUnless(context => context.Request.Headers.Origin.Count == 0, unless => unless.UseCors());
        var callers = app.Services.GetRequiredService<CallerFinder>();
        app.UseUnless(callers.TrySignIn, unless => unless.UseAuthentication());
        app.UseStreamBodies();
        RequestAdmission.Use(app);
        app.UseUnless(IsAllowed, unless => unless.UseAuthorization());
        app.UseKnownQueryNames();
    }

    public static void MapSecurity(this IEndpointRouteBuilder app) =>
        app.MapSseTickets("/v1/stream-tickets").CountedAs(RequestKind.Publish).WithTags("Events");

    /// <summary>Adds middleware that some requests pass by. For a request that they let through anyway, the framework's
    /// CORS, authentication and authorization would be most of the way to the endpoint, and 4 kB.</summary>
    public static void UseUnless(
        this IApplicationBuilder app,
        Predicate<HttpContext> passes,
        Action<IApplicationBuilder> use
    )
    {
        RequestDelegate? after = null;
        app.Use(next => context => passes(context) ? after!(context) : next(context));
        use(app);
        app.Use(next => after = next);
    }

    /// <summary>True for a known caller where that is all that the fallback policy asks for. A ticket is checked with
    /// the policy.</summary>
    private static bool IsAllowed(HttpContext context) =>
        context.User.Identity is { IsAuthenticated: true }
        && context.GetEndpoint() is { Metadata: var metadata }
        && metadata.GetMetadata<IAuthorizeData>() is null
        && metadata.GetMetadata<AuthorizationPolicy>() is null
        && metadata.GetMetadata<IAuthorizationRequirementData>() is null
        && !context.Request.Query.ContainsKey("ticket");
}
