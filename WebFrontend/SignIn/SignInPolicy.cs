using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components.Endpoints;
using Microsoft.Extensions.Options;
using WebFrontend.Languages;

namespace WebFrontend.SignIn;

/// <summary>Lets only signed-in visitors reach pages and endpoints.</summary>
internal static class SignInPolicy
{
    /// <summary>
    /// Requires a signed-in visitor for everything except anonymous endpoints. Without <c>SignIn:Enabled</c> everything
    /// is open in Development, and only the pages are open elsewhere.
    /// </summary>
    public static void Configure(
        AuthorizationOptions authorization,
        IOptions<SignInOptions> signIn,
        IHostEnvironment environment
    )
    {
        if (signIn.Value.Enabled)
            authorization.FallbackPolicy = authorization.DefaultPolicy;
        else if (!environment.IsDevelopment())
            authorization.FallbackPolicy = new AuthorizationPolicyBuilder()
                .RequireAssertion(a => a.Resource is HttpContext c && (IsPage(c) || c.GetEndpoint() is null))
                .Build();
    }

    /// <summary>Leads a navigation to the sign-in page, and refuses any other request.</summary>
    public static Task RequestSignInAsync(HttpContext context)
    {
        if (!context.RequestServices.GetRequiredService<IOptions<SignInOptions>>().Value.Enabled)
            return RefuseAsync(context, "problem.signInOff");

        var isNavigation =
            HttpMethods.IsGet(context.Request.Method)
            && context.Request.GetTypedHeaders().Accept.Any(a => a.MediaType == "text/html");
        if (!isNavigation)
            return RefuseAsync(context);

        context.Response.Redirect(SignInPage.AddressFor(IsPage(context) ? context.Request : null));
        return Task.CompletedTask;
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
}
