using System.Security.Cryptography;
using System.Text;

namespace Unit.Build;

/// <summary>
/// Compares the costs of one client in docs/security.md with their frozen copies in tests/Conformance/security-rows.md.
/// </summary>
public sealed class SecurityRowTests
{
    private const string Costs = "What one client can make the system do";

    private const string Copies = "tests/Conformance/security-rows.md";

    private static readonly string[][] Frozen =
    [
        .. MarkdownTable.In(Copies.Split('/')).SelectMany(table => table.Rows),
    ];

    [Fact]
    public void A_row_of_one_clients_costs_changes_only_with_a_decision()
    {
        var frozen = Frozen.ToDictionary(cells => cells[0], cells => cells[1].Trim('`'));
        var current = CostRows();
        Assert.NotEmpty(current);
        SourceFiles.AssertNone(
            current
                .Where(row => frozen.GetValueOrDefault(row.Key) != row.Value)
                .Select(row =>
                    frozen.ContainsKey(row.Key)
                        ? $"docs/security.md, the row of {row.Key} has changed. {Remedy(row.Value)}"
                        : $"docs/security.md, the row of {row.Key} is new. Freeze it in {Copies}: "
                            + $"| {row.Key} | `{row.Value}` | - |"
                )
                .Concat(
                    frozen
                        .Keys.Except(current.Keys)
                        .Select(key => $"docs/security.md, the row of {key} is missing. {Remedy("no hash")}")
                )
        );
    }

    [Fact]
    public void A_decision_that_changed_a_row_exists() =>
        SourceFiles.AssertNone(
            from cells in Frozen
            let decision = cells.ElementAtOrDefault(2) ?? ""
            where decision.Length > 0 && decision != "-"
            where Directory.GetFiles(Path.Combine(Repository.Root, "docs", "decisions"), $"{decision}-*.md").Length != 1
            select $"{Copies}, the row of {cells[0]}: there is no decision {decision} in docs/decisions"
        );

    private static string Remedy(string hash) =>
        "Such a row states what one client may cost the others, so it changes only together with a decision in "
        + $"docs/decisions that says why. Then put its hash and the decision's number into {Copies}: {hash}";

    /// <summary>The hash of each row, by its first cell.</summary>
    private static Dictionary<string, string> CostRows() =>
        MarkdownTable
            .In("docs", "security.md")
            .Where(table => table.Section == Costs)
            .SelectMany(table => table.Rows)
            .ToDictionary(cells => cells[0], cells => Hash(string.Join(" | ", cells)));

    private static string Hash(string row) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(row)).AsSpan(0, 8));
}
