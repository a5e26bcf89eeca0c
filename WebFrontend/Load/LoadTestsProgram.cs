using WebFrontend.Status;

namespace WebFrontend.Load;

/// <summary>
/// The load generator of the same build (<c>artifacts/bin/LoadTests</c>) and its reports (<c>artifacts/load</c>).
/// <c>LoadTests:Program</c> and <c>LoadTests:Reports</c> set other paths.
/// </summary>
/// <param name="Dll">The program to start, or null outside Development, or if it was not built.</param>
/// <param name="Reports">The folder of the reports; runs of the page write below <c>page/</c>.</param>
/// <param name="Target">The URL of the system under load.</param>
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
