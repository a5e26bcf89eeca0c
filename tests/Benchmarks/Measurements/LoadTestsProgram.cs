using System.Text.Json;
using Harness;
using Harness.Builds;

namespace Benchmarks.Measurements;

/// <summary>Runs one scenario of LoadTests against one replica.</summary>
internal static class LoadTestsProgram
{
    /// <returns>The JSON line of the result.</returns>
    public static async Task<JsonElement> RunAsync(
        Uri target,
        IEnumerable<string> arguments,
        CancellationToken cancellationToken
    )
    {
        var reports = Directory.CreateTempSubdirectory("benchmarks-load-").FullName;
        try
        {
            var output = await Command.RunAsync(
                "LoadTests",
                [
                    "dotnet",
                    ServiceProcess.PathOf("LoadTests"),
                    "--target",
                    target.ToString(),
                    "--reports",
                    reports,
                    .. arguments,
                ],
                cancellationToken
            );

            return JsonDocument
                .Parse(output.Split('\n').Last(l => l.StartsWith("{\"scenario\"", StringComparison.Ordinal)))
                .RootElement;
        }
        finally
        {
            Directory.Delete(reports, recursive: true);
        }
    }
}
