using WebFrontend.Load;
using WebFrontend.Patterns;
using WebFrontend.Security;
using WebFrontend.Shell;
using WebFrontend.SignIn;
using WebFrontend.Status;

namespace WebFrontend;

/// <summary>The service as the program runs it; tests start it within their own process.</summary>
internal static class WebFrontendApplication
{
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        // Serves scripts and styles from the build output in Production too, not only from a published folder.
        builder.WebHost.UseStaticWebAssets();
        builder.AddServiceDefaults();
        builder.AddStreamApiAddress();
        builder.AddSignIn();
        builder.AddStatus();
        builder.AddPatterns();
        builder.AddLoad();
        builder.AddShell();
        builder.AddContentSecurity();
        builder.AddBodyLimits();

        var app = builder.Build();
        app.UseContentSecurity();
        app.UseStatusCodePagesWithReExecute("/not-found");
        app.UseAuthentication();
        app.UseAuthorization();
        app.UseAntiforgery();
        app.UseRefusedForms();
        app.MapStaticAssets().AllowAnonymous();
        app.MapRazorComponents<App>();
        app.MapSignIn();
        app.MapStatus();
        app.MapPatterns();
        app.MapLoad();
        app.MapDefaultEndpoints();
        return app;
    }
}
