using System.Security.Cryptography;
using System.Text;

namespace Unit.Build;

/// <summary>The page rules hold for all C# except generated migrations. Files that broke one when the rules were made
/// stand in a list until somebody changes them.</summary>
public sealed class PageTests
{
    private static readonly ShrinkingList Pages = new("unchanged-pages.txt", most: 9);
    private static readonly ShrinkingList Names = new("unchanged-names.txt", most: 40);

    /// <summary>A listed file, and the start of the SHA-256 of its content.</summary>
    private static readonly Dictionary<string, string> Listed = Pages
        .Entries.Select(entry => entry.Split(' '))
        .ToDictionary(entry => entry[0], entry => entry[1]);

    /// <summary>A file that breaks a rule, and the places.</summary>
    private static readonly Dictionary<string, List<string>> Breaking = CSharp
        .Select(file => (Path: SourceFiles.PathOf(file), Broken: BrokenRules(File.ReadAllLines(file.FullName))))
        .Where(page => page.Broken.Count > 0)
        .ToDictionary(page => page.Path, page => page.Broken);

    [Fact]
    public void A_file_follows_the_page_rules() =>
        SourceFiles.AssertNone(
            from page in Breaking
            where !Listed.ContainsKey(page.Key)
            from place in page.Value
            select $"{page.Key}:{place}"
        );

    [Fact]
    public void A_file_that_is_changed_follows_them_from_then_on() =>
        SourceFiles.AssertNone(
            from page in Listed
            where Breaking.ContainsKey(page.Key) && page.Value != MarkOf(page.Key)
            select $"{page.Key} was changed, so the page rules hold for it now. Mend these places, and take its line "
                + $"out of {Pages.Path}:\n  {string.Join("\n  ", Breaking[page.Key])}"
        );

    [Fact]
    public void The_list_names_only_files_that_break_a_rule() =>
        SourceFiles.AssertNone(
            from path in Listed.Keys.Except(Breaking.Keys)
            select $"{path} is gone or follows the page rules now. Take its line out of {Pages.Path}."
        );

    [Fact]
    public void No_type_has_the_name_of_another_one_and_an_s()
    {
        var types = CSharp.SelectMany(file => PageRules.TypesOf(File.ReadAllText(file.FullName)));
        var pairs = PageRules.PluralPairs(types).ToList();
        SourceFiles.AssertNone([
            .. from name in pairs.Except(Names.Entries)
            select $"{name} and {name}s are easily mixed up. Name the collection by its role.",
            .. from name in Names.Entries.Except(pairs)
            select $"{name} and {name}s are no pair any more. Take the line out of {Names.Path}.",
        ]);
    }

    [Fact]
    public void The_lists_only_get_shorter()
    {
        Pages.AssertShrinks();
        Names.AssertShrinks();
    }

    [Theory]
    [InlineData(24, "a++;", 0)]
    [InlineData(25, "a++;", 1)]
    [InlineData(25, "", 0)]
    [InlineData(25, "// The next step.", 0)]
    public void A_method_of_25_lines_has_a_blank_line_or_a_comment(int lines, string last, int broken)
    {
        var body = Enumerable.Repeat("        a++;", lines - 1).Append($"        {last}");
        Assert.Equal(broken, BrokenRules(["    void Count()", "    {", .. body, "    }"]).Count);
    }

    [Theory]
    [InlineData("        (_first, _second) = (first, second);", 1)]
    [InlineData("        (_first, _second) = (1, Read(second));", 1)]
    [InlineData("        (a[i], a[j]) = (a[j], a[i]);", 0)]
    [InlineData("        (_first, _second) = Read();", 0)]
    public void A_tuple_swaps_or_deconstructs(string statement, int broken) =>
        Assert.Equal(broken, BrokenRules([statement]).Count);

    [Theory]
    [InlineData("internal sealed class Wide({0})", 8, 1)]
    [InlineData("internal sealed class Narrow<T>({0}) : List<T>(1)", 7, 0)]
    [InlineData("    private Wide({0})", 8, 1)]
    [InlineData("    public Wide Create({0})", 8, 0)]
    [InlineData("internal sealed record Row({0});", 8, 0)]
    public void A_constructor_has_at_most_seven_parameters(string head, int parameters, int broken)
    {
        var list = string.Join(", ", Enumerable.Range(0, parameters).Select(i => $"[Key(1, 2)] Map<int, int> map{i}"));
        Assert.Equal(broken, BrokenRules([head.Replace("{0}", list, StringComparison.Ordinal)]).Count);
    }

    [Fact]
    public void A_pair_is_a_name_and_the_same_with_an_s() =>
        Assert.Equal(["Part"], PageRules.PluralPairs(["Parts", "Part", "Partial", "Address", "Addresses"]));

    private static IEnumerable<FileInfo> CSharp =>
        SourceFiles.CSharp(".").Where(file => file.Directory!.Name != "Migrations");

    private static List<string> BrokenRules(string[] lines) => [.. PageRules.Broken(lines)];

    /// <summary>The start of the SHA-256 of a file, whatever its line ends are.</summary>
    private static string MarkOf(string path)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, path)).ReplaceLineEndings("\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..12];
    }
}
