using System.Diagnostics;
using Harness;

namespace Integration.Deploy;

/// <summary>Runs deploy/compose.yaml where a container engine and the images of this commit are; it makes and pulls
/// none. <c>tests/Reliability -- compose</c> without <c>--short</c> also kills and upgrades under load.</summary>
public sealed class ComposeTests
{
    private const string Skipped = "skipped: ";

    [Fact]
    public async Task The_system_of_the_compose_file_starts_publishes_resumes_and_signs_in()
    {
        var (exitCode, output) = await RunAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(output.StartsWith(Skipped, StringComparison.Ordinal), output.Replace(Skipped, "").Trim());
        Assert.True(exitCode == 0, output);
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(CancellationToken cancellationToken)
    {
        var dll = ServiceProcess.PathOf("Reliability");
        using var process = Process.Start(
            new ProcessStartInfo("dotnet", [dll, "compose", "--short"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        // It removes its containers before it ends, so it is waited for and not killed.
        using var stop = cancellationToken.Register(() => Process.Start("kill", [$"{process.Id}"]).Dispose());
        var (output, errors) = (
            process.StandardOutput.ReadToEndAsync(CancellationToken.None),
            process.StandardError.ReadToEndAsync(CancellationToken.None)
        );
        await process.WaitForExitAsync(CancellationToken.None);
        return (process.ExitCode, await output + await errors);
    }
}
