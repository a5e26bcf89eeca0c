using System.Text;
using System.Text.RegularExpressions;

namespace Unit.Deploy;

/// <summary>Holds deploy/compose.yaml to the files beside it; `tests/Reliability -- compose` runs it.</summary>
public sealed partial class ComposeFileTests
{
    private static readonly string Compose = Read("compose.yaml");

    [Fact]
    public void Every_secret_that_it_requires_is_generated()
    {
        var generated = Read("compose-secrets");
        var required = Required().Matches(Compose).Select(m => m.Groups["name"].Value).Distinct().ToList();
        Assert.NotEmpty(required);
        Assert.All(required, name => Assert.Contains($"\n{name}=", generated, StringComparison.Ordinal));
    }

    [Fact]
    public void No_secret_has_a_default() =>
        Assert.DoesNotContain(
            Variable().Matches(Compose),
            m => Secret().IsMatch(m.Groups["name"].Value) && m.Groups["default"].Success
        );

    [Fact]
    public void Only_the_proxy_and_the_dashboard_have_published_ports()
    {
        var services = Compose[Compose.IndexOf("\nservices:", StringComparison.Ordinal)..];
        var published = Service()
            .Split(services)
            .Where(s => s.Contains("\n    ports:", StringComparison.Ordinal))
            .Select(s => s.Split(':')[0]);
        Assert.Equal(["proxy", "dashboard"], published);
    }

    [Fact]
    public void The_answer_of_an_unavailable_system_is_valid_and_tells_when_to_come_back()
    {
        var answer = Read(Path.Combine("haproxy", "unavailable.http"));
        var parts = answer.Split("\r\n\r\n");
        Assert.Equal(2, parts.Length);
        Assert.StartsWith("HTTP/1.1 503 ", parts[0], StringComparison.Ordinal);
        Assert.Contains("\r\nRetry-After: 1", parts[0], StringComparison.Ordinal);
        Assert.Contains(
            $"\r\nContent-Length: {Encoding.UTF8.GetByteCount(parts[1])}",
            parts[0],
            StringComparison.Ordinal
        );
    }

    private static string Read(string file) => File.ReadAllText(Path.Combine(Repository.Root, "deploy", file));

    [GeneratedRegex(@"\$\{(?<name>\w+):\?")]
    private static partial Regex Required();

    [GeneratedRegex(@"\$\{(?<name>\w+)(:?-(?<default>[^}]*))?")]
    private static partial Regex Variable();

    [GeneratedRegex("PASSWORD|KEY|TOKEN")]
    private static partial Regex Secret();

    // A service's name, two spaces in.
    [GeneratedRegex(@"\n  (?=[a-z0-9-]+:\n)")]
    private static partial Regex Service();
}
