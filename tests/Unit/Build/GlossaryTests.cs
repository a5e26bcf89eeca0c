using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>The words of docs/glossary.md are those of the code.</summary>
public sealed partial class GlossaryTests
{
    /// <summary>The tables of the section on words, each with its number of columns: the glossary has two.</summary>
    private static readonly ILookup<int, string[]> Rows = MarkdownTable
        .In("docs", "glossary.md")
        .Where(table => table.Section == "Words")
        .SelectMany(table => table.Rows)
        .ToLookup(row => row.Length);

    [Fact]
    public void A_word_of_the_glossary_is_used_in_the_code()
    {
        var words = Rows[2].SelectMany(row => row[0].Split(", ")).ToList();
        Assert.True(words.Count > 50, $"only {words.Count} words were found");

        var code = SourceFiles
            .In([.. SourceFiles.Products.Except(["LoadTests"])])
            .Where(file => file.Extension is ".cs" or ".sql" or ".js")
            .Select(file => File.ReadAllText(file.FullName))
            .ToList();
        SourceFiles.AssertNone(
            from word in words
            let use = new Regex(@"(?i)" + Regex.Escape(word).Replace(@"\ ", @"[\s_-]?", StringComparison.Ordinal))
            where !code.Any(use.IsMatch)
            select $"{word} is a word of the glossary, and the code does not use it. Take it out, or rename it."
        );
    }

    [Fact]
    public void No_method_of_the_streams_has_a_name_that_the_glossary_refuses()
    {
        var refused = Rows[3].SelectMany(row => MarkdownTable.Code(row[2])).ToHashSet();
        Assert.NotEmpty(refused);

        SourceFiles.AssertNone(
            from file in SourceFiles.CSharp("libraries/Streaming", "libraries/Streaming.Engine")
            from Match method in Method().Matches(File.ReadAllText(file.FullName))
            where refused.Contains(method.Groups[1].Value)
            select $"{SourceFiles.PathOf(file)}: {method.Groups[1].Value} has another verb in docs/glossary.md"
        );
    }

    [GeneratedRegex(
        @"^    (?:(?:public|internal|private|protected|static|override|virtual|abstract|async) )+"
            + @"[\w<>?\[\],. ]+ (\w+)\(",
        RegexOptions.Multiline
    )]
    private static partial Regex Method();
}
