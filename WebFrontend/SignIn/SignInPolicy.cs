using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components.Endpoints;
using Microsoft.AspNetCore.StaticAssets;
using Microsoft.Extensions.Options;
using WebFrontend.Languages;

namespace WebFrontend.SignIn;

/// <summary>Middleware that lets only signed-in visitors reach pages and endpoints.</summary>
internal static class SignInPolicy
{
    /// <summary>
    /// Requires a signed-in visitor for everything except anonymous endpoints. Without <c>SignIn:Enabled</c> everything
    /// is open in Development, and only the pages are open elsewhere.
    /// </summary>
    public static void UseSignIn(this WebApplication app)
    {
        var enabled = app.Services.GetRequiredService<IOptions<SignInOptions>>().Value.Enabled;
        if (!enabled && app.Environment.IsDevelopment())
            return;
        var sessions = app.Services.GetRequiredService<SignInSessions>();
        app.Use(
            (context, next) =>
            {
                var isAllowed = enabled
                    ? sessions.Find(context) is not null
                    : IsPage(context) || context.GetEndpoint() is null;
                if (isAllowed || IsAnonymous(context))
                    return next(context);
                if (!enabled)
                    return RefuseAsync(context, "problem.signInOff");
                var isNavigation =
                    HttpMethods.IsGet(context.Request.Method)
                    && context.Request.GetTypedHeaders().Accept.Any(a => a.MediaType == "text/html");
                if (!isNavigation)
                    return RefuseAsync(context);
                context.Response.Redirect(SignInPage.AddressFor(IsPage(context) ? context.Request : null));
                return Task.CompletedTask;
            }
        );
    }

    public static bool IsPage(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<ComponentTypeMetadata>() is not null;

    /// <summary>Returns true if the browser says that another site made the request.</summary>
    public static bool IsFromOtherSite(HttpContext context) =>
        context.Request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin");

    /// <summary>Refuses a request with the text of this key, in the visitor's language.</summary>
    public static Task RefuseAsync(
        HttpContext context,
        string key = "problem.signIn",
        int status = StatusCodes.Status401Unauthorized
    ) => TypedResults.Problem(Language.Of(context)[key], statusCode: status).ExecuteAsync(context);

    /// <summary>
    /// Returns true for the sign-in page, static files and health endpoints. Static files are recognised by their
    /// endpoint, because any path can end in ".css".
    /// </summary>
    private static bool IsAnonymous(HttpContext context)
    {
        if (context.Request.Path == SignInPage.Path || context.Request.Path == "/not-found")
            return true;
        var metadata = context.GetEndpoint()?.Metadata;
        return metadata?.GetMetadata<StaticAssetDescriptor>() is not null
            || metadata?.GetMetadata<IAllowAnonymous>() is not null;
    }
}
