using WebFrontend.StreamApi;

namespace WebFrontend.Load;

/// <summary>
/// The load generator beside this program, in Development: <c>artifacts/bin/LoadTests</c> of the same build, its
/// reports in
/// <c>artifacts/load</c> (<c>LoadTests:Program</c>, <c>LoadTests:Reports</c> name others). Elsewhere the page only
/// shows how to start one.
/// </summary>
/// <param name="Dll">What is started; null where nothing may be.</param>
/// <param name="Reports">Where reports are read, and those of the page are written under <c>page/</c>.</param>
/// <param name="Target">The system that is loaded.</param>
internal sealed record LoadTestsProgram(string? Dll, string Reports, string Target)
{
    public bool CanStart => Dll is not null;

    public static LoadTestsProgram From(
        IConfiguration configuration,
        IHostEnvironment environment,
        StreamApiAddress streamApi
    )
    {
        // artifacts/bin/WebFrontend/debug/ -> artifacts/bin/LoadTests/debug/LoadTests.dll
        var here = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var dll =
            configuration["LoadTests:Program"]
            ?? Path.GetFullPath(Path.Combine(here.FullName, "..", "..", "LoadTests", here.Name, "LoadTests.dll"));
        var reports =
            configuration["LoadTests:Reports"]
            ?? Path.GetFullPath(Path.Combine(here.FullName, "..", "..", "..", "load"));
        return new LoadTestsProgram(
            environment.IsDevelopment() && File.Exists(dll) ? dll : null,
            reports,
            configuration["services:streamapi:http:0"] ?? streamApi.Origin
        );
    }
}
