namespace Unit.Build;

/// <summary>A table of a document, without its head.</summary>
/// <param name="Section">The heading above it.</param>
/// <param name="Rows">The cells of each row.</param>
internal sealed record MarkdownTable(string Section, IReadOnlyList<string[]> Rows)
{
    /// <summary>All tables of a document.</summary>
    /// <param name="path">Its path from the root of the repository.</param>
    public static IEnumerable<MarkdownTable> In(params string[] path)
    {
        var section = "";
        var rows = new List<string[]>();
        foreach (var line in File.ReadLines(Path.Combine([Repository.Root, .. path])).Append(""))
        {
            if (line.StartsWith('|'))
            {
                rows.Add(CellsOf(line));
                continue;
            }

            // The first two lines are the head and the line under it.
            if (rows.Count > 2)
                yield return new MarkdownTable(section, rows[2..]);

            rows = [];

            if (line.StartsWith('#'))
                section = line.TrimStart('#').Trim();
        }
    }

    /// <summary>The parts of a cell that are between backticks.</summary>
    public static IEnumerable<string> Code(string cell) => cell.Split('`').Where((_, index) => index % 2 == 1);

    private static string[] CellsOf(string line) => [.. line.Trim().Trim('|').Split(" | ").Select(cell => cell.Trim())];
}
