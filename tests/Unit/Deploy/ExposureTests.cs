using System.Text.RegularExpressions;

namespace Unit.Deploy;

/// <summary>Visitors reach the frontend and the proxy, so neither has or passes on more than it needs.</summary>
public sealed partial class ExposureTests
{
    [Theory]
    [InlineData("deploy/compose.yaml")]
    [InlineData("deploy/kubernetes/secrets.sh")]
    [InlineData("deploy/systemd/streamapi.env")]
    public void The_frontends_key_reads_no_topic(string file)
    {
        var text = Read(file);
        var number = FrontendKey().Match(text).Groups["number"].Value;
        Assert.NotEmpty(number);
        Assert.DoesNotContain($"ApiKeys__{number}__Subscribe", text, StringComparison.Ordinal);
        Assert.DoesNotContain($"ApiKeys__{number}__Publish", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/health", true)]
    [InlineData("/ALIVE/", true)]
    [InlineData("/./health", true)]
    [InlineData("/%2e/health", true)]
    [InlineData("/x/%2E%2e/alive", true)]
    [InlineData("/health/.", true)]
    [InlineData("/%zz/../alive", true)]
    [InlineData("/health%2", true)]
    [InlineData("/v1/events/stream", false)]
    [InlineData("/sse/resilient/a..b", false)]
    public void HAProxy_passes_no_spelling_of_a_probe_on(string path, bool isRefused)
    {
        foreach (var section in (string[])["api", "pages"])
        {
            var rules = Denied()
                .Matches(Read("deploy/haproxy/haproxy.cfg").Split($"\nfrontend {section}\n")[1].Split("\n\n")[0]);
            Assert.Equal(
                isRefused,
                rules.Any(r =>
                    (r.Groups["decoded"].Success ? Decoded(path) : path) is { } text
                    && Regex.IsMatch(text, r.Groups["pattern"].Value, RegexOptions.IgnoreCase)
                )
            );
        }
    }

    /// <summary>HAProxy 2.6 keeps a connection on which it owes the body of a refused request, so the replica takes
    /// another client's request for that body.</summary>
    [Fact]
    public void HAProxy_sends_one_request_over_a_connection_to_a_replica() =>
        Assert.Contains(
            "\n    option http-server-close\n",
            Read("deploy/haproxy/haproxy.cfg").Split("\ndefaults\n")[1].Split("\n\n")[0],
            StringComparison.Ordinal
        );

    /// <summary>Decodes as HAProxy's <c>url_dec</c>, which gives nothing if an escape is malformed.</summary>
    private static string? Decoded(string path) => Malformed().IsMatch(path) ? null : Uri.UnescapeDataString(path);

    private static string Read(string file) => File.ReadAllText(Path.Combine(Repository.Root, file));

    [GeneratedRegex(@"ApiKeys__(?<number>\d+)__Name\W+(web)?frontend\b")]
    private static partial Regex FrontendKey();

    [GeneratedRegex(@"http-request deny .* path(?<decoded>,url_dec)? -m reg (-i )?'?(?<pattern>[^\s']+)'? }")]
    private static partial Regex Denied();

    [GeneratedRegex("%(?![0-9A-Fa-f]{2})")]
    private static partial Regex Malformed();
}
