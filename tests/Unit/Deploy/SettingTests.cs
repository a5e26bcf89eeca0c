using System.Text.RegularExpressions;
using Harness.Deployments;

namespace Unit.Deploy;

/// <summary>Every environment variable in <c>deploy/</c> is a setting that a service has.</summary>
public sealed partial class SettingTests
{
    [Theory]
    [InlineData("one-node")]
    [InlineData("ha")]
    [InlineData("compose")]
    [InlineData("systemd")]
    public void Every_variable_of_a_deployment_is_a_setting(string deployment)
    {
        var services = deployment switch
        {
            "compose" => ComposeFile.Services(
                Path.Combine(Repository.Root, "deploy", "compose.yaml"),
                image: new Dictionary<string, string>()
            ),
            "systemd" => UnitFiles.Services(UnitFileTests.Folder, UnitFileTests.DocumentedInstances()),
            _ => KubernetesDeployment.Services(Manifests.Overlay(deployment)),
        };
        AssertKnown(
            services
                .SelectMany(s => s.Environment)
                .Where(v => !Manifests.HelperVariables.Contains(v.Key) || deployment is "compose" or "systemd")
                .Select(v => (v.Key, (string?)v.Value))
        );
    }

    [Fact]
    public void Every_variable_of_the_secrets_script_is_a_setting() =>
        AssertKnown(
            Variable()
                .Matches(File.ReadAllText(Path.Combine(Manifests.Folder, "secrets.sh")))
                .Select(m => (m.Groups[1].Value, (string?)null))
        );

    [Theory]
    [InlineData("AspireSse__Streaming__MaxConnection", "20000")]
    [InlineData("AspireSse__Streaming__MaxConnections", "many")]
    [InlineData("AspireSse__Streaming__MaxConnections", "0")]
    [InlineData("Security__ApiKeys__first__Name", "billing")]
    [InlineData("Security__ApiKeys__0__Subscriptions__0", ">")]
    [InlineData("Sercurity__ApiKeys__0__Name", "billing")]
    [InlineData("AspireSse__EventStore__MaxAge", "a week")]
    [InlineData("AspireSse__EventStore__MaxAge", "00:00:00")] // not "never": it would drop the log
    [InlineData("AspireSse__EventStore__MaxAge", "-1.00:00:00")]
    [InlineData("AspireSse__EventStore__MaxAge", "10675199.02:48:05.4775807")] // before the calendar of Postgres
    [InlineData("AspireSse__Pools__Sse", "0")]
    [InlineData("AspireSse__Pools__Sse__Size", "5000")]
    public void A_misspelt_variable_or_an_impossible_value_is_found(string name, string value) =>
        Assert.NotNull(ServiceSettings.Problem(name, value));

    [Theory]
    [InlineData("AspireSse__EventStore__MaxAge", "7.00:00:00")]
    [InlineData("Security__ApiKeys__1__Subscribe__0", "$sys.>")]
    [InlineData("AspireSse__Runs__DrainSeconds", "8")]
    [InlineData("AspireSse__Llm__Providers__OpenAi__ApiKey", "sk-…")]
    [InlineData("AspireSse__Pools__Sse", "5000")]
    public void A_setting_is_known_by_its_path(string name, string value) =>
        Assert.Null(ServiceSettings.Problem(name, value));

    /// <summary>The list of sections cannot fall behind the code.</summary>
    [Fact]
    public void Every_section_that_the_code_binds_is_known_here()
    {
        var bound = Directory
            .EnumerateFiles(Repository.Root, "*.cs", SearchOption.AllDirectories)
            .Where(file => Product().IsMatch(Path.GetRelativePath(Repository.Root, file).Replace('\\', '/')))
            .SelectMany(file => Bound().Matches(File.ReadAllText(file)))
            .Select(m => m.Groups[1].Value)
            .Distinct()
            .ToList();
        Assert.Contains("AspireSse:Streaming", bound);
        Assert.Empty(bound.Except(ServiceSettings.Sections.Select(s => s.Key).Append(ServiceSettings.Pools)));
    }

    /// <summary>Decisions tell the past; options.md is made from the code.</summary>
    [Fact]
    public void Every_setting_that_a_document_names_is_one()
    {
        var sections = string.Join('|', ServiceSettings.Read.Select(section => section.Path.Split(':')[0]).Distinct());
        var named = new Regex($@"(?<![\w:./-])(?:{sections})(?:(?::|__)(?:\w*[a-z0-9]|<\w+>))+");
        var found = Directory
            .EnumerateFiles(Repository.Root, "*.md", SearchOption.AllDirectories)
            .Where(file => Document().IsMatch(Path.GetRelativePath(Repository.Root, file).Replace('\\', '/')))
            .SelectMany(file => named.Matches(File.ReadAllText(file)))
            .Select(m => m.Value)
            .Distinct()
            .ToList();

        Assert.InRange(found.Count, 60, int.MaxValue);
        // The example of a pool that a host adds.
        found.Remove("AspireSse:Pools:Weather");
        Assert.Empty(found.Select(name => ServiceSettings.Problem(VariableOf(name), null)).OfType<string>());
    }

    /// <summary>Returns the name of a variable for a name in a text, with an example of each number and name.</summary>
    private static string VariableOf(string name) =>
        Placeholder()
            .Replace(name.Replace(":", "__", StringComparison.Ordinal), "__0")
            .Replace("<name>", "OpenAi", StringComparison.Ordinal)
            .Replace("<key>", "OpenAi", StringComparison.Ordinal);

    private static void AssertKnown(IEnumerable<(string Name, string? Value)> variables)
    {
        var all = variables.Distinct().ToList();
        Assert.NotEmpty(all);
        Assert.Empty(all.Select(v => ServiceSettings.Problem(v.Name, v.Value)).OfType<string>());
    }

    [GeneratedRegex(@"^(README[.\w]*|CONTRIBUTING|docs/(?!options|decisions/)[\w/-]+|deploy/.*)\.md$")]
    private static partial Regex Document();

    [GeneratedRegex("__n(?=__|$)")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"^\s+([A-Z]\w+__\w+):", RegexOptions.Multiline)]
    private static partial Regex Variable();

    [GeneratedRegex(@"(?:BindConfiguration|GetSection)\(""(\w+|AspireSse:\w+)""\)")]
    private static partial Regex Bound();

    [GeneratedRegex("^(StreamApi|Broadcaster|WebFrontend|ServiceDefaults|libraries)/(?!LocalServices/|.*/(obj|bin)/)")]
    private static partial Regex Product();
}
