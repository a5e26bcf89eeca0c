using System.Diagnostics;

namespace Unit.Deploy;

/// <summary>Runs <c>deploy/compose-secrets</c> in a folder of its own.</summary>
public sealed class ComposeSecretsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("secrets-").FullName;

    [Fact]
    public async Task A_second_run_with_another_name_replaces_the_name_and_the_certificate_and_no_password()
    {
        await RunAsync("localhost");
        var first = Env();
        await RunAsync("sse.example.com");
        Assert.Equal("sse.example.com", Env()["SSE_HOST"]);
        Assert.Equal(Except(first), Except(Env()));
        Assert.Contains("does match", await OpenSslAsync("sse.example.com"), StringComparison.Ordinal);

        // The name stays if none is given, and so does a certificate that is right.
        var certificate = File.ReadAllText(Tls);
        await RunAsync();
        Assert.Equal("sse.example.com", Env()["SSE_HOST"]);
        Assert.Equal(certificate, File.ReadAllText(Tls));

        static IEnumerable<string> Except(Dictionary<string, string> env) =>
            env.Where(v => v.Key != "SSE_HOST").Select(v => $"{v.Key}={v.Value}").Order();
    }

    [Fact]
    public async Task A_certificate_of_the_operators_own_stays()
    {
        await RunAsync("localhost");
        await File.WriteAllTextAsync(Tls, "own chain and key\n", TestContext.Current.CancellationToken);
        await RunAsync("sse.example.com");
        Assert.Equal("own chain and key\n", await File.ReadAllTextAsync(Tls, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("https://sse.example.com")]
    [InlineData("sse.example.com:8443")]
    public async Task What_is_no_host_name_is_refused(string name)
    {
        Assert.Contains("is no host name", await RunAsync(name, exitCode: 1), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_folder, ".env")));
    }

    private string Tls => Path.Combine(_folder, "secrets", "tls.pem");

    private Dictionary<string, string> Env() =>
        File.ReadLines(Path.Combine(_folder, ".env")).Select(l => l.Split('=', 2)).ToDictionary(l => l[0], l => l[1]);

    private Task<string> OpenSslAsync(string host) =>
        RunAsync("openssl", ["x509", "-in", Tls, "-noout", "-checkhost", host], exitCode: 0);

    private async Task<string> RunAsync(string? host = null, int exitCode = 0)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "It is a shell script.");
        var script = Path.Combine(_folder, "compose-secrets");
        File.Copy(Path.Combine(Repository.Root, "deploy", "compose-secrets"), script, overwrite: true);
        return await RunAsync("bash", host is null ? [script] : [script, host], exitCode);
    }

    private static async Task<string> RunAsync(string program, string[] arguments, int exitCode)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        output += await errors;
        Assert.True(process.ExitCode == exitCode, output);
        return output;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
