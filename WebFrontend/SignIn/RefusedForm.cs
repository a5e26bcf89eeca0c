using Microsoft.AspNetCore.Antiforgery;

namespace WebFrontend.SignIn;

/// <summary>
/// Shows the page again, with 400, when its form has no valid token: this server has new keys, or the browser keeps no
/// cookies. Razor components would answer with an empty page.
/// </summary>
internal static class RefusedForm
{
    public static void UseRefusedForms(this WebApplication app) =>
        app.Use(
            (context, next) =>
            {
                if (IsShown(context) && SignInPolicy.IsPage(context))
                {
                    context.Request.Method = HttpMethods.Get;
                    context.Response.StatusCode = StatusCodes.Status400BadRequest;
                }
                return next(context);
            }
        );

    /// <summary>Returns true if the page is shown instead of the result of its form.</summary>
    public static bool IsShown(HttpContext context) =>
        context.Features.Get<IAntiforgeryValidationFeature>() is { IsValid: false };
}
