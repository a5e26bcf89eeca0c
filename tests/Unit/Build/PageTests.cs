namespace Unit.Build;

/// <summary>The page rules hold for all C# except generated migrations.</summary>
public sealed class PageTests
{
    /// <summary>Files that still have packed names.</summary>
    private static readonly string[] WithPackedNames =
    [
        "tests/Core/Streaming/ConnectionGroupTests.cs",
        "tests/Core/Streaming/ConnectionTimersTests.cs",
        "tests/Core/Streaming/PendingWriteBudgetTests.cs",
    ];

    [Fact]
    public void A_file_follows_the_page_rules() =>
        SourceFiles.AssertNone(
            from file in CSharp
            from place in BrokenRules(File.ReadAllLines(file.FullName))
            select $"{SourceFiles.PathOf(file)}:{place}"
        );

    [Fact]
    public void A_declaration_has_one_field_or_names_of_one_idea() =>
        SourceFiles.AssertNone(
            from file in CSharp
            let path = SourceFiles.PathOf(file)
            let lines = File.ReadAllLines(file.FullName)
            from place in (string[])
                [
                    .. PageRules.SharedDeclarations(lines),
                    .. WithPackedNames.Contains(path) ? [] : PageRules.PackedDeclarations(lines),
                ]
            select $"{path}:{place}"
        );

    [Fact]
    public void No_type_has_the_name_of_another_one_and_an_s()
    {
        var types = CSharp.SelectMany(file => PageRules.TypesOf(File.ReadAllText(file.FullName)));
        SourceFiles.AssertNone(
            from name in PageRules.PluralPairs(types)
            select $"{name} and {name}s are easily mixed up. Name the collection by its role."
        );
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
    [InlineData("        var (first, second) = (Read(before, 1), Read(after));", 0)]
    [InlineData("        var (seen, text, isLast) = (0, \"a, b\", false);", 0)]
    [InlineData("        var (server, id) = (Server, Guid.NewGuid());", 1)]
    [InlineData("        var (id, text) = (\n            Read(),\n            Find(x, y)\n        );", 1)]
    [InlineData("        var (status, text) = (await ReadAsync(id, limit)).Whole();", 0)]
    public void Names_declared_together_take_values_that_begin_alike(string statement, int broken) =>
        Assert.Equal(broken, PageRules.PackedDeclarations(statement.Split('\n')).Count());

    [Theory]
    [InlineData("    private readonly Map<int, int> _first = new(),", 1)]
    [InlineData("    private long _first,", 1)]
    [InlineData("    private const int First = 1,", 0)]
    [InlineData("    private static void Run(int first,", 0)]
    public void A_field_has_a_declaration_of_its_own(string line, int broken) =>
        Assert.Equal(broken, PageRules.SharedDeclarations([line]).Count());

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

    [Theory]
    [InlineData("    void Write(StreamConnection c, byte[] bytes)", 1)]
    [InlineData("        var (a, b) = Read();", 1)]
    [InlineData("        if (Find() is { } e)", 1)]
    [InlineData("        foreach (var e in page.Events)", 1)]
    [InlineData("        for (var i = 0; i < 3; i++)", 0)]
    [InlineData("        catch (IOException e)", 0)]
    [InlineData("        var found = all.Where((Event e) => e.IsNew);", 0)]
    [InlineData("        // A position e, as in the log", 0)]
    public void A_name_has_more_than_one_letter(string line, int broken) =>
        Assert.Equal(broken, BrokenRules([line]).Count);

    [Fact]
    public void A_pair_is_a_name_and_the_same_with_an_s() =>
        Assert.Equal(["Part"], PageRules.PluralPairs(["Parts", "Part", "Partial", "Address", "Addresses"]));

    private static IEnumerable<FileInfo> CSharp =>
        SourceFiles.CSharp(".").Where(file => file.Directory!.Name != "Migrations");

    private static List<string> BrokenRules(string[] lines) => [.. PageRules.Broken(lines)];
}
