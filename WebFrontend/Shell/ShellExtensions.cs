using WebFrontend.Languages;

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
    }
}
