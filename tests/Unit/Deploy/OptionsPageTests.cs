using Unit.Build;

namespace Unit.Deploy;

public sealed class OptionsPageTests
{
    private static readonly string Page = Path.Combine(Repository.Root, "docs", "options.md");

    [Fact]
    public void The_page_has_every_option_as_the_code_has_it()
    {
        var text = OptionsPage.Text();

        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1")
            File.WriteAllText(Page, text);

        var lines = File.Exists(Page) ? File.ReadAllLines(Page) : [];
        Assert.True(
            lines.SequenceEqual(text.TrimEnd('\n').Split('\n')),
            "docs/options.md differs from the code: "
                + text.Split('\n').Except(lines).Concat(lines.Except(text.Split('\n'))).FirstOrDefault()
                + "\nWrite it anew: UPDATE_DOCS=1 dotnet test tests/Unit --filter OptionsPageTests"
        );
    }

    [Fact]
    public void Every_option_says_what_it_does() =>
        SourceFiles.AssertNone(
            from row in OptionsPage.Text().Split('\n')
            where row.StartsWith("| `", StringComparison.Ordinal) && row.EndsWith("|  |", StringComparison.Ordinal)
            select $"{row.Split('`')[1]} has no <summary>: it is the last column of docs/options.md"
        );

    [Fact]
    public void Every_option_that_is_a_number_or_a_time_has_a_range() =>
        SourceFiles.AssertNone(
            from row in OptionsPage.Text().Split('\n')
            let cells = row.Split(" | ")
            where cells.Length > 2 && StartsWithADigit(cells[1].Trim('`')) && cells[2].Trim().Length == 0
            select $"{row.Split('`')[1]} has no [Range]: an impossible value would not stop the start"
        );

    private static bool StartsWithADigit(string value) => value.Length > 0 && char.IsAsciiDigit(value[0]);
}
