using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using StreamApi;
using Unit.Build;

namespace Unit.Security;

/// <summary>Checks the tables of docs/security.md against the code.</summary>
public partial class ThreatModelTests
{
    private const string Costs = "## What one client can make the system do";

    public static TheoryData<string> Threats => [.. Rows("## Threats"), .. Rows(Costs)];

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

    /// <summary>The routes of Production; Development has more.</summary>
    [Fact]
    public async Task Every_route_has_a_row_in_the_table_of_one_clients_costs()
    {
        await using var app = StreamApiApplication.Build([
            "--environment=Production",
            "--ConnectionStrings:eventstore=Host=127.0.0.1",
            "--ConnectionStrings:redis=127.0.0.1:1",
            "--Security:ApiKeys:0:Name=operator",
            $"--Security:ApiKeys:0:Sha256={new string('0', 64)}",
        ]);
        IEndpointRouteBuilder builder = app;
        var routes = builder
            .DataSources.SelectMany(source => source.Endpoints)
            .OfType<RouteEndpoint>()
            .Select(endpoint => $"/{endpoint.RoutePattern.RawText!.Trim('/')}")
            .ToHashSet();

        // | `/tasks`, `POST /v1/events` | … : between backticks in the first column.
        var rows = Rows(Costs)
            .SelectMany(row => MarkdownTable.Code(row.Split(" | ")[0]))
            .Select(request => request.Split(' ')[^1])
            .ToHashSet();

        Assert.NotEmpty(routes);
        SourceFiles.AssertNone([
            .. routes
                .Except(rows)
                .Select(route =>
                    $"{route} has no row in docs/security.md, \"{Costs}\": add what one "
                    + "client can make it do, and the test that holds the limit"
                ),
            .. rows.Except(routes).Select(row => $"{row} has a row in docs/security.md, and no route"),
        ]);
    }

    // `AccessTests`, `AccessTests.A_whole_name`, `AccessTests.The_beginning_of…`, and `…Another_of_the_same_class…`.
    [GeneratedRegex("`(?<class>[A-Z][A-Za-z]*Tests)?[.…]?(?<test>[A-Z]\\w+)?…?`")]
    private static partial Regex Name();
}
