using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components.Endpoints;
using Microsoft.AspNetCore.StaticAssets;
using Microsoft.Extensions.Options;

namespace WebFrontend.SignIn;

/// <summary>Middleware that lets only signed-in visitors reach pages and endpoints.</summary>
internal static class SignInPolicy
{
    private const string SignInDisabled =
        "Outside Development this endpoint requires a signed-in visitor, and sign-in is off. Set SignIn:Enabled=true.";

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
                var isPage = context.GetEndpoint()?.Metadata.GetMetadata<ComponentTypeMetadata>() is not null;
                var isAllowed = enabled ? sessions.Find(context) is not null : isPage || context.GetEndpoint() is null;
                if (isAllowed || IsAnonymous(context))
                    return next(context);
                if (!enabled)
                    return RefuseAsync(context, SignInDisabled);
                var isNavigation =
                    HttpMethods.IsGet(context.Request.Method)
                    && context.Request.GetTypedHeaders().Accept.Any(a => a.MediaType == "text/html");
                if (!isNavigation)
                    return RefuseAsync(context);
                context.Response.Redirect(SignInPage.Path);
                return Task.CompletedTask;
            }
        );
    }

    public static Task RefuseAsync(HttpContext context, string detail = $"Sign in first, at {SignInPage.Path}.") =>
        TypedResults.Problem(detail, statusCode: StatusCodes.Status401Unauthorized).ExecuteAsync(context);

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
