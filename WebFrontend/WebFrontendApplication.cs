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
    /// <param name="args">The command line.</param>
    /// <param name="replace">Replaces services before the start: a clock that a test moves, or constants.</param>
    public static WebApplication Build(string[] args, Action<IServiceCollection>? replace = null)
    {
        var builder = WebApplication.CreateBuilder(args);
        // Serves scripts and styles from the build output in Production too, not only from a published folder.
        builder.WebHost.UseStaticWebAssets();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.AddServiceDefaults();
        builder.AddStreamApiAddress();
        builder.AddSignIn();
        builder.AddStatus();
        builder.AddPatterns();
        builder.AddLoad();
        builder.AddShell();
        builder.AddContentSecurity();
        builder.AddBodyLimits();
        builder.CheckOptionKeys(WebFrontendOptions.Sections);

        replace?.Invoke(builder.Services);
        var app = builder.Build();
        app.UseContentSecurity();
        app.UsePageCompression();
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
