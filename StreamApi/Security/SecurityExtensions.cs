using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;
using StreamApi.Security.Credentials;
using StreamApi.Security.Limits;
using StreamApi.Security.Tickets;
using Streaming.Access;
using Streaming.Requests;

namespace StreamApi.Security;

/// <summary>Who may what. Asked when a request comes; a delivery costs nothing for it: a stream carries only what was
/// granted, and ends when the grant does.</summary>
internal static class SecurityExtensions
{
    public static void AddSecurity(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        builder.AddProblems();
        builder.AddCors();
        services.AddOptions<SecurityOptions>().BindConfiguration("Security").ValidateOnStart();
        services.AddSingleton<IValidateOptions<SecurityOptions>, ValidateSecurityOptions>();
        services.AddSingleton<BearerTokens>();
        services.AddSingleton<ApiKeys>();
        services.AddSingleton<SharedSecret>();
        services.AddSingleton<StreamTickets>();
        services.AddSingleton<TicketSessions>();
        services.AddHostedService(s => s.GetRequiredService<TicketSessions>());
        services
            .AddAuthentication(CredentialHandler.Name)
            .AddScheme<AuthenticationSchemeOptions, CredentialHandler>(CredentialHandler.Name, null);
        // What says nothing of itself is for whoever is known.
        services
            .AddAuthorizationBuilder()
            .SetFallbackPolicy(
                new AuthorizationPolicyBuilder(CredentialHandler.Name).RequireAuthenticatedUser().Build()
            );
        services.AddSingleton<IAuthorizationHandler, TopicAccessHandler>();
        services.AddSingleton<IStreamAccess, CallerAccess>();
        services.AddSingleton<IRequestBudget, RequestBudget>();
        services.AddSingleton<IConfigureOptions<ForwardedHeadersOptions>, TrustedProxies>();
        builder.AddLimits();
        // "Request starting" shows the query, and with it tickets.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning);
    }

    public static void UseSecurity(this WebApplication app)
    {
        app.UseProblems();
        // A browser's preflight has no credentials.
        app.UseCors();
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
        app.UseCrossSiteRefusal();
        app.UseAuthentication();
        app.UseRateLimiter();
        app.UseAuthorization();
    }

    /// <summary>Whose word about a client's address is taken.</summary>
    private sealed class TrustedProxies(IOptions<SecurityOptions> security) : IConfigureOptions<ForwardedHeadersOptions>
    {
        public void Configure(ForwardedHeadersOptions options)
        {
            options.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            options.ForwardLimit = null; // through as many proxies as are trusted, and no further
            options.KnownProxies.Clear();
            options.KnownIPNetworks.Clear();
            foreach (var proxy in security.Value.Proxies)
                options.KnownIPNetworks.Add(SecurityOptions.NetworkOf(proxy));
        }
    }
}
