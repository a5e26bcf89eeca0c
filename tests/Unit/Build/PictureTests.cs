namespace Unit.Build;

/// <summary>The pictures of docs/images, which tests/Pictures takes.</summary>
public sealed class PictureTests
{
    // By the name's extension; what moves is a WebP.
    private static readonly Dictionary<string, int> MaxBytes = new() { [".png"] = 200_000, [".webp"] = 700_000 };

    private static readonly FileInfo[] Pictures =
    [
        .. SourceFiles.In("docs/images").Where(file => MaxBytes.ContainsKey(file.Extension)),
    ];

    [Fact]
    public void Every_picture_can_be_taken_again()
    {
        var program = File.ReadAllText(Path.Combine(Repository.Root, "tests", "Pictures", "Program.cs"));
        SourceFiles.AssertNone(
            from file in Pictures
            let name = Path.GetFileNameWithoutExtension(file.Name)
            where !program.Contains($"(\"{name}\", ", StringComparison.Ordinal)
            select $"{SourceFiles.PathOf(file)}: tests/Pictures/Program.cs does not name it"
        );
    }

    [Fact]
    public void Every_picture_is_small_and_shown_by_a_document()
    {
        var documents = SourceFiles
            .All.Where(file => file.Extension == ".md")
            .Select(file => File.ReadAllText(file.FullName));
        var shown = string.Concat(documents);
        SourceFiles.AssertNone(
            from file in Pictures
            let most = MaxBytes[file.Extension]
            where file.Length > most || !shown.Contains($"images/{file.Name})", StringComparison.Ordinal)
            select $"{SourceFiles.PathOf(file)}: {file.Length} bytes, at most {most}, or no document shows it"
        );
    }

    /// <summary>Each row of a load has the CPU of StreamApi, Nchan and the plain server in these columns.</summary>
    [Fact]
    public void The_chart_of_the_speed_shows_the_last_run()
    {
        string[] loads = ["20 k deliveries", "50 k", "100 k", "200 k", "5,000 subscribers"];
        var rows = MarkdownTable.In("docs", "benchmarks.md").SelectMany(table => table.Rows).ToList();
        var chart = File.ReadAllText(Path.Combine(Repository.Root, "docs", "images", "speed.svg"));
        var figures = (
            from load in loads
            let cells = rows.First(row => row[0].StartsWith(load, StringComparison.Ordinal))
            from column in (int[])[1, 2, 5]
            select cells[column].Split(' ')[0]
        ).ToList();

        Assert.Equal(15, figures.Count);
        SourceFiles.AssertNone(
            from figure in figures
            where !chart.Contains($">{figure}</text>", StringComparison.Ordinal)
            select $"docs/images/speed.svg lacks {figure}: node eng/speed-chart.js draws it again"
        );
    }
}
