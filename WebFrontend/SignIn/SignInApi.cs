using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace WebFrontend.SignIn;

/// <summary>
/// <c>/api/…</c>: StreamApi for the pages of a signed-in visitor. Mapped only with <c>SignIn:Enabled</c>.
/// </summary>
internal static class SignInApi
{
    public static void AddSignIn(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<SignInOptions>().BindConfiguration("SignIn");
        builder.Services.AddAntiforgery(antiforgery =>
            antiforgery.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest
        );
        builder
            .Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
            .AddCookie(SignInSessions.ConfigureCookie);
        builder.Services.AddAuthorization();
        builder
            .Services.AddOptions<AuthorizationOptions>()
            .Configure<IOptions<SignInOptions>, IHostEnvironment>(SignInPolicy.Configure);
        builder.Services.AddSingleton<SignInSessions>();
        builder.Services.AddHttpForwarder();
        builder.Services.AddSingleton<StreamApiProxy>();
    }

    public static void MapSignIn(this WebApplication app)
    {
        if (!app.Services.GetRequiredService<IOptions<SignInOptions>>().Value.Enabled)
            return;
        app.Map(
                StreamApiProxy.Path + "/{**path}",
                (HttpContext context, StreamApiProxy proxy) => proxy.ForwardAsync(context)
            )
            // Forwarded without buffering, within StreamApi's own limit.
            .WithMetadata(new DisableRequestSizeLimitAttribute());
    }
}
