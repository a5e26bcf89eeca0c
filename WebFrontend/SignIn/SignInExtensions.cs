using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components.Endpoints;
using Microsoft.AspNetCore.StaticAssets;
using Microsoft.Extensions.Options;

namespace WebFrontend.SignIn;

internal static class SignInExtensions
{
    private const string NobodyCan =
        "Outside Development this is for visitors who have signed in: set SignIn:Enabled=true.";

    public static void AddSignIn(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<SignInOptions>().BindConfiguration("SignIn");
        builder.Services.AddAntiforgery(antiforgery =>
            antiforgery.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest
        );
        builder.Services.AddSingleton<SignedIn>();
        builder.Services.AddSingleton<StreamApiPassage>();
    }

    /// <summary>
    /// Requires a visitor who has signed in, except for what <see cref="IsForStrangers"/> names. Without
    /// <c>SignIn:Enabled</c> everything is open in Development; elsewhere the pages are, and nothing else.
    /// </summary>
    public static void UseSignIn(this WebApplication app)
    {
        var enabled = app.Services.GetRequiredService<IOptions<SignInOptions>>().Value.Enabled;
        if (!enabled && app.Environment.IsDevelopment())
            return;
        var signedIn = app.Services.GetRequiredService<SignedIn>();
        app.Use(
            (context, next) =>
            {
                var isPage = context.GetEndpoint()?.Metadata.GetMetadata<ComponentTypeMetadata>() is not null;
                var isAllowed = enabled
                    ? signedIn.VisitOf(context) is not null
                    : isPage || context.GetEndpoint() is null;
                if (isAllowed || IsForStrangers(context))
                    return next(context);
                if (!enabled)
                    return RefuseAsync(context, NobodyCan);
                var isVisit =
                    HttpMethods.IsGet(context.Request.Method)
                    && context.Request.GetTypedHeaders().Accept.Any(a => a.MediaType == "text/html");
                if (!isVisit)
                    return RefuseAsync(context);
                context.Response.Redirect(SignInPage.Path);
                return Task.CompletedTask;
            }
        );
    }

    /// <summary>
    /// The page to sign in at, the files that pages are made of, and this server's health. Files are known by their
    /// endpoint: any path can end in ".css".
    /// </summary>
    private static bool IsForStrangers(HttpContext context)
    {
        if (context.Request.Path == SignInPage.Path || context.Request.Path == "/not-found")
            return true;
        var metadata = context.GetEndpoint()?.Metadata;
        return metadata?.GetMetadata<StaticAssetDescriptor>() is not null
            || metadata?.GetMetadata<IAllowAnonymous>() is not null;
    }

    public static Task RefuseAsync(HttpContext context, string detail = $"Sign in first, at {SignInPage.Path}.") =>
        TypedResults.Problem(detail, statusCode: StatusCodes.Status401Unauthorized).ExecuteAsync(context);

    public static void MapSignIn(this WebApplication app)
    {
        if (!app.Services.GetRequiredService<IOptions<SignInOptions>>().Value.Enabled)
            return;
        app.Map(
                StreamApiPassage.Path + "/{**path}",
                (HttpContext context, StreamApiPassage passage) => passage.PassAsync(context)
            )
            .DisableHttpMetrics();
    }
}
