using LocalServices;
using Unit.Build;

namespace Unit.Deploy;

/// <summary>Runs <c>deploy/compose-secrets</c> in a folder of its own.</summary>
public sealed class ComposeSecretsTests : IDisposable
{
    private readonly ScriptFolder _folder = new("deploy/compose-secrets");

    public void Dispose() => _folder.Dispose();

    private string Tls => _folder.PathOf("deploy/secrets/tls.pem");

    [Fact]
    public async Task A_second_run_with_another_name_replaces_the_name_and_the_certificate_and_no_password()
    {
        await RunAsync("localhost");
        var first = Env();
        await RunAsync("sse.example.com");
        Assert.Equal("sse.example.com", Env()["SSE_HOST"]);
        Assert.Equal(Except(first), Except(Env()));

        var checkedHost = Command.Run("openssl", ["x509", "-in", Tls, "-noout", "-checkhost", "sse.example.com"]);
        Assert.Contains("does match", checkedHost?.Output, StringComparison.Ordinal);

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
        var (code, output) = await _folder.RunAsync([name]);
        Assert.Equal(1, code);
        Assert.Contains("is no host name", output, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.PathOf("deploy/.env")));
    }

    private Dictionary<string, string> Env() =>
        File.ReadLines(_folder.PathOf("deploy/.env")).Select(l => l.Split('=', 2)).ToDictionary(l => l[0], l => l[1]);

    private async Task RunAsync(params string[] name)
    {
        var (code, output) = await _folder.RunAsync(name);
        Assert.True(code == 0, output);
    }
}
