using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Harness.Deployments;
using YamlDotNet.RepresentationModel;

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

    /// <summary>A second file replaces single variables, so a list item of the operator must not share a number with
    /// one of ours: a key of its own would get the rights of the administrator's.</summary>
    [Theory]
    [InlineData("compose.yaml")]
    [InlineData("kubernetes/secrets.sh")]
    public void Its_lists_leave_the_low_numbers_to_the_operator(string file)
    {
        var numbers = ListItem()
            .Matches(Read(file))
            .Select(m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture))
            .ToList();
        Assert.NotEmpty(numbers);
        Assert.All(numbers, number => Assert.True(number >= 100, $"{file}: {number}"));
    }

    /// <summary>The example of docs/compose.md, merged as compose does it.</summary>
    [Fact]
    public void A_key_of_the_operator_has_its_own_rights_on_both_replicas()
    {
        var docs = File.ReadAllText(Path.Combine(Repository.Root, "docs", "compose.md"));
        var ours = Environments(YamlFile.Parse(Compose).Single());
        var merged = Environments(YamlFile.Parse(Override().Match(docs).Groups[1].Value).Single())
            .ToDictionary(s => s.Key, s => s.Value.Concat(ours[s.Key]).DistinctBy(v => v.Key).ToList());
        Assert.Equal(["streamapi-1", "streamapi-2"], merged.Keys.Order());
        foreach (var (replica, variables) in merged)
        {
            Assert.Equal(ours[replica].Count + 4, variables.Count);
            var operators = variables.Where(v => v.Value == "$$sys.>").Select(v => v.Key.Split("__")[2]);
            Assert.Equal(
                ["admin"],
                operators.Select(i => variables.Single(v => v.Key == $"Security__ApiKeys__{i}__Name").Value).Order()
            );
        }

        static Dictionary<string, Dictionary<string, string>> Environments(YamlNode file) =>
            ((YamlMappingNode)file)
                .Map("services")
                .Children.ToDictionary(s => s.Key.Text(), s => s.Value.Find("environment").Strings());
    }

    [Theory]
    [InlineData("compose.yaml")]
    [InlineData("observability.yaml")]
    public void No_log_fills_the_disk(string file)
    {
        var services = ((YamlMappingNode)YamlFile.Parse(Read(file)).Single()).Map("services").Children;
        Assert.NotEmpty(services);
        foreach (var (name, service) in services)
            Assert.True(service.At("logging.options.max-size") is not null, $"{file}: {name.Text()}");
    }

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
    public void The_answer_of_an_unavailable_system_is_valid_and_has_Retry_After()
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

    [GeneratedRegex(@"^\s+[A-Za-z]+__[A-Za-z]+__(\d+)", RegexOptions.Multiline)]
    private static partial Regex ListItem();

    [GeneratedRegex("```yaml\n(# deploy/compose.override.yaml.*?)```", RegexOptions.Singleline)]
    private static partial Regex Override();

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
