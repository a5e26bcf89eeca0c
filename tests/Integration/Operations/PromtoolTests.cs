using System.Diagnostics;

namespace Integration.Operations;

/// <summary>Prometheus's own tool reads the configuration and tries every alert on made-up series.</summary>
public sealed class PromtoolTests
{
    [Theory]
    [InlineData("check", "config", "prometheus.yml")]
    [InlineData("test", "rules", "alerts.test.yml")]
    public async Task The_configuration_and_the_alerts_pass(params string[] arguments)
    {
        Assert.SkipWhen(Promtool is null, "promtool is not on the PATH (Debian: apt-get install prometheus).");
        var start = new ProcessStartInfo(Promtool, arguments)
        {
            WorkingDirectory = Deployment.File("deploy/prometheus"),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var tool = Process.Start(start)!;
        var errors = tool.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await tool.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await tool.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(tool.ExitCode == 0, output + await errors);
    }

    private static string? Promtool =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, "promtool"))
            .FirstOrDefault(File.Exists);
}
