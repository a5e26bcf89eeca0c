using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>The documents lead to files that exist, and the two READMEs to the same ones.</summary>
public sealed partial class ReadmeTests
{
    [Fact]
    public void The_English_and_the_Japanese_README_link_the_same_documents_and_show_the_same_pictures() =>
        Assert.Equal(Targets("README.md").Except(["README.ja.md"]), Targets("README.ja.md").Except(["README.md"]));

    [Fact]
    public void Each_link_of_a_document_leads_to_a_file_or_a_folder() =>
        SourceFiles.AssertNone(
            from document in SourceFiles.All
            where document.Extension == ".md"
            from target in Targets(document.FullName)
            where !Path.Exists(Path.Combine(document.DirectoryName!, target))
            select $"{SourceFiles.PathOf(document)}: {target}"
        );

    [Fact]
    public void The_index_names_each_page_once()
    {
        var linked = LinkTarget()
            .Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "README.md")))
            .Select(match => match.Groups[1].Value)
            .ToList();
        SourceFiles.AssertNone(
            from page in SourceFiles.In("docs")
            where page.Extension == ".md" && page.Directory!.Name == "docs" && page.Name != "README.md"
            let times = linked.Count(target => target == page.Name)
            where times != 1
            select $"docs/README.md names {page.Name} {times} times"
        );
    }

    /// <summary>The files and folders that a document links, in alphabetical order.</summary>
    private static IEnumerable<string> Targets(string document) =>
        LinkTarget()
            .Matches(File.ReadAllText(Path.Combine(Repository.Root, document)))
            .Select(match => match.Groups[1].Value)
            .Where(target => !target.StartsWith("http", StringComparison.Ordinal))
            .Distinct()
            .Order(StringComparer.Ordinal);

    [GeneratedRegex(@"\]\(([^)#]+)[^)]*\)")]
    private static partial Regex LinkTarget();
}
