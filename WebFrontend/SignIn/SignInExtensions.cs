using Microsoft.Extensions.Options;

namespace WebFrontend.SignIn;

internal static class SignInExtensions
{
    public static void AddSignIn(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<SignInOptions>().BindConfiguration("SignIn");
        builder.Services.AddAntiforgery(antiforgery => antiforgery.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest);
        builder.Services.AddSingleton<SignedIn>();
        builder.Services.AddSingleton<StreamApiPassage>();
    }

    /// <summary>Where visitors sign in: nothing but the page for that, what it is made of, and the health of this server, before they have.</summary>
    public static void UseSignIn(this WebApplication app)
    {
        if (!app.Services.GetRequiredService<IOptions<SignInOptions>>().Value.Enabled) return;
        var signedIn = app.Services.GetRequiredService<SignedIn>();
        app.Use((context, next) =>
        {
            var path = context.Request.Path;
            if (signedIn.VisitOf(context) is not null || path == SignInPage.Path || path == "/not-found" || path == "/health" || path == "/alive" || Path.HasExtension(path)) return next(context);
            if (HttpMethods.IsGet(context.Request.Method) && context.Request.GetTypedHeaders().Accept.Any(a => a.MediaType == "text/html")) context.Response.Redirect(SignInPage.Path);
            else return RefuseAsync(context);
            return Task.CompletedTask;
        });
    }

    public static Task RefuseAsync(HttpContext context) => TypedResults.Problem($"Sign in first, at {SignInPage.Path}.", statusCode: StatusCodes.Status401Unauthorized).ExecuteAsync(context);

    public static void MapSignIn(this WebApplication app)
    {
        if (!app.Services.GetRequiredService<IOptions<SignInOptions>>().Value.Enabled) return;
        app.Map(StreamApiPassage.Path + "/{**path}", (HttpContext context, StreamApiPassage passage) => passage.PassAsync(context)).DisableHttpMetrics();
    }
}
