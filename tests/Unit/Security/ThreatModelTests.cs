using System.Text.RegularExpressions;

namespace Unit.Security;

/// <summary>Checks the tables of docs/security.md against the code.</summary>
public partial class ThreatModelTests
{
    public static TheoryData<string> Threats =>
        [.. Rows("## Threats"), .. Rows("## What one client can make the system do")];

    private static IEnumerable<string> Rows(string section) =>
        File.ReadLines(Path.Combine(Repository.Root, "docs", "security.md"))
            .SkipWhile(l => l != section)
            .Skip(1)
            .TakeWhile(l => !l.StartsWith("## ", StringComparison.Ordinal))
            .Where(l => l.StartsWith("| ", StringComparison.Ordinal))
            .Skip(1);

    [Theory]
    [MemberData(nameof(Threats))]
    public void Every_threat_and_every_bound_names_tests_that_there_are(string row)
    {
        var named = Name()
            .Matches(row.Split(" | ")[^1])
            .Select(m => (Class: m.Groups["class"].Value, Test: m.Groups["test"].Value))
            .ToList();
        Assert.NotEmpty(named);
        var among = "";
        foreach (var (name, test) in named)
        {
            if (name.Length > 0)
            {
                var files = SupplyChainTests
                    .Files($"{name}.cs")
                    .Where(f =>
                        f.Contains(
                            $"{Path.DirectorySeparatorChar}tests{Path.DirectorySeparatorChar}",
                            StringComparison.Ordinal
                        )
                    )
                    .ToList();
                Assert.True(files.Count > 0, $"There is no {name}.");
                among = string.Concat(files.Select(File.ReadAllText));
            }
            Assert.True(
                test.Length == 0
                    ? among.Contains("[Fact", StringComparison.Ordinal)
                        || among.Contains("[Theory", StringComparison.Ordinal)
                    : among.Contains($" {test}", StringComparison.Ordinal),
                $"{name} has no test {test}."
            );
        }
    }

    // `AccessTests`, `AccessTests.A_whole_name`, `AccessTests.The_beginning_of…`, and `…Another_of_the_same_class…`.
    [GeneratedRegex("`(?<class>[A-Z][A-Za-z]*Tests)?[.…]?(?<test>[A-Z]\\w+)?…?`")]
    private static partial Regex Name();
}
