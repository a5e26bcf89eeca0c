using System.ComponentModel;
using System.Diagnostics;

namespace Stack;

/// <summary>The Chromium that the tests drive: an installed one, or one that is installed now if that needs no
/// password. Without it, tests skip by <c>Assert.SkipWhen(chromium.Path is null, chromium.Reason)</c>.</summary>
public sealed record Chromium(string? Path, string Reason)
{
    private const string Shell = "chromium-headless-shell",
        Whole = "chromium";

    // First those without a user interface: a new profile takes them a quarter of the CPU time.
    private static readonly string[] Names =
    [
        Shell,
        "chrome-headless-shell",
        Whole,
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    private static readonly Lazy<Task<Chromium>> Instance = new(() => Task.Run(FindOrInstallAsync));

    /// <summary>Finds or installs Chromium, once a test run.</summary>
    public static Task<Chromium> GetAsync() => Instance.Value;

    private static async Task<Chromium> FindOrInstallAsync()
    {
        if (Environment.GetEnvironmentVariable("CHROME_PATH") is { Length: > 0 } given)
            return File.Exists(given)
                ? new Chromium(given, "")
                : new Chromium(null, $"CHROME_PATH names {given}, which does not exist.");

        if (Find() is { } found)
            return new Chromium(found, "");

        const string Manually =
            "Install it (Debian: sudo apt-get install -y chromium-headless-shell; Ubuntu: chromium), or name one: "
            + "CHROME_PATH=/path/to/chromium";
        if (!Environment.IsPrivilegedProcess || !File.Exists("/usr/bin/apt-get"))
            return new Chromium(null, $"No Chromium on this machine. {Manually}");

        TestContext.Current.SendDiagnosticMessage(
            "No Chromium on this machine: installing it (apt-get install chromium-headless-shell, about 100 MB)"
        );

        var output = await InstallAsync();
        return Find() is { } installed
            ? new Chromium(installed, "")
            : new Chromium(null, $"Chromium could not be installed. {Manually}\n{output}");
    }

    private static async Task<string> InstallAsync()
    {
        var (exitCode, output) = await InstallAsync(Shell);
        if (exitCode != 0)
        {
            // There are no package lists (a slim image), or they name packages that the mirror has replaced.
            await RunAsync(["-qq", "-o", "DPkg::Lock::Timeout=300", "update"]);
            (exitCode, output) = await InstallAsync(Shell);
        }

        // Not every release has the shell as a package of its own.
        return exitCode == 0 ? output : (await InstallAsync(Whole)).Output;
    }

    // When another run installs it too, apt waits for it and then has nothing to do.
    private static Task<(int ExitCode, string Output)> InstallAsync(string package) =>
        RunAsync(["-qq", "-o", "DPkg::Lock::Timeout=300", "install", "--yes", "--no-install-recommends", package]);

    private static async Task<(int ExitCode, string Output)> RunAsync(string[] arguments)
    {
        var start = new ProcessStartInfo("apt-get", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";

        using var process = Process.Start(start) ?? throw new Win32Exception("apt-get did not start.");
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        await output;

        return (process.ExitCode, await errors);
    }

    private static string? Find() =>
        (
            from name in Names
            from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(
                System.IO.Path.PathSeparator,
                StringSplitOptions.RemoveEmptyEntries
            )
            let path = System.IO.Path.Combine(folder, name)
            where File.Exists(path)
            select path
        ).FirstOrDefault();
}
