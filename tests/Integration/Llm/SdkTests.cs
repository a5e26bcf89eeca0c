using System.ComponentModel;
using System.Diagnostics;

namespace Integration.Llm;

/// <summary>The vendors' JavaScript clients; the .NET ones are in <see cref="FaceTests"/>.</summary>
public sealed class SdkTests(LlmSystem system) : IClassFixture<LlmSystem>
{
    [Fact]
    public async Task The_vendors_javascript_clients_work_by_their_base_address_alone()
    {
        Assert.SkipWhen(await RunAsync(".", "npm", "--version") is not { ExitCode: 0 } || await RunAsync(".", "node", "--version") is not { ExitCode: 0 }, "npm and node are not installed.");
        var folder = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "vendors-clients")).FullName;
        foreach (var file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Llm", "Sdk"))) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        var install = await RunAsync(folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline");
        Assert.True(install!.Value.ExitCode == 0, install.Value.Output);
        var run = await RunAsync(folder, "node", "sdks.mjs", system.A.Url.ToString().TrimEnd('/'));
        Assert.True(run!.Value.ExitCode == 0, run.Value.Output);
        Assert.EndsWith("ok", run.Value.Output.TrimEnd(), StringComparison.Ordinal);
    }

    /// <summary>Null where there is no such program.</summary>
    private static async Task<(int ExitCode, string Output)?> RunAsync(string folder, string program, params string[] arguments)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(3));
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, string.Concat(output.Reverse()));
        }
        catch (Win32Exception) { return null; }
    }
}
