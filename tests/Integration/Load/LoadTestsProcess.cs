using System.Diagnostics;
using System.Text.Json;
using Harness;

namespace Integration.Load;

/// <summary>One run of the load tests, started as from a terminal.</summary>
internal sealed record LoadTestsProcess(
    int ExitCode,
    IReadOnlyList<JsonElement> Results,
    string Errors,
    string ReportFolder
) : IDisposable
{
    /// <summary>The text of a file of the report.</summary>
    public string Report(params string[] path) => File.ReadAllText(Path.Combine([ReportFolder, .. path]));

    public void Dispose() => Directory.Delete(ReportFolder, recursive: true);

    public static async Task<LoadTestsProcess> RunAsync(params string[] arguments)
    {
        var dll = ServiceProcess.PathOf("LoadTests");
        var folder = Directory.CreateTempSubdirectory("load-").FullName;
        var start = new ProcessStartInfo("dotnet", [dll, .. arguments, "--reports", folder])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(3));

        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);

            var results = (await output)
                .Split('\n')
                .Where(line => line.StartsWith('{'))
                .Select(line => JsonDocument.Parse(line).RootElement)
                .ToList();

            return new LoadTestsProcess(process.ExitCode, results, await errors, folder);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }
}
