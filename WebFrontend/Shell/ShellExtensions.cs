using WebFrontend.Languages;
using WebFrontend.SignIn;

namespace WebFrontend.Shell;

internal static class ShellExtensions
{
    /// <summary>Adds Razor components, and the language, clock and dashboard address that every page uses.</summary>
    public static void AddShell(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(DashboardAddress.From(builder.Configuration));
        builder.Services.AddLanguages();
        builder.Services.AddRazorComponents();
        builder.Services.AddResponseCompression(compression =>
        {
            compression.MimeTypes = ["text/html", "application/json"];
            // No secret of a page stays the same: the antiforgery token of a form differs in each response.
            compression.EnableForHttps = true;
        });
    }

    /// <summary>Compresses pages and the overview's data. Static files are compressed by the build, streams never, and
    /// StreamApi's answers pass as they are.</summary>
    public static void UsePageCompression(this WebApplication app) =>
        app.UseWhen(
            context => !context.Request.Path.StartsWithSegments(StreamApiProxy.Path, StringComparison.Ordinal),
            branch => branch.UseResponseCompression()
        );
}
