using System.Text.RegularExpressions;
using Unit.Tests;

namespace Unit.Security;

/// <summary>The threat model of docs/security.md is held to what it says.</summary>
public partial class ThreatModelTests
{
    public static TheoryData<string> Threats => [.. File.ReadLines(Path.Combine(Repository.Root, "docs", "security.md"))
        .SkipWhile(l => l != "## Threats").Skip(1).TakeWhile(l => !l.StartsWith("## ", StringComparison.Ordinal)).Where(l => l.StartsWith("| ", StringComparison.Ordinal)).Skip(1)];

    [Theory]
    [MemberData(nameof(Threats))]
    public void Every_threat_names_tests_that_there_are(string row)
    {
        var named = Name().Matches(row.Split(" | ")[^1]).Select(m => (Class: m.Groups["class"].Value, Test: m.Groups["test"].Value)).ToList();
        Assert.NotEmpty(named);
        var among = "";
        foreach (var (name, test) in named)
        {
            if (name.Length > 0)
            {
                var file = SupplyChainTests.Files($"{name}.cs").SingleOrDefault(f => f.Contains($"{Path.DirectorySeparatorChar}tests{Path.DirectorySeparatorChar}", StringComparison.Ordinal));
                Assert.True(file is not null, $"There is no {name}.");
                among = File.ReadAllText(file);
            }
            Assert.True(test.Length == 0 ? among.Contains("[Fact", StringComparison.Ordinal) || among.Contains("[Theory", StringComparison.Ordinal) : among.Contains($" {test}", StringComparison.Ordinal), $"{name} has no test {test}.");
        }
    }

    // `AccessTests`, `AccessTests.A_whole_name`, `AccessTests.The_beginning_of…`, and `…Another_of_the_same_class…`.
    [GeneratedRegex("`(?<class>[A-Z][A-Za-z]*Tests)?[.…]?(?<test>[A-Z]\\w+)?…?`")]
    private static partial Regex Name();
}
