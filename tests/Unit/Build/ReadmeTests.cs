using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>The two READMEs lead to the same documents.</summary>
public sealed partial class ReadmeTests
{
    [Fact]
    public void The_English_and_the_Japanese_README_link_the_same_documents_and_show_the_same_pictures() =>
        Assert.Equal(Targets("README.md").Except(["README.ja.md"]), Targets("README.ja.md").Except(["README.md"]));

    [Theory]
    [InlineData("README.md")]
    [InlineData("README.ja.md")]
    public void Each_link_of_a_README_leads_to_a_file_or_a_folder(string readme) =>
        Assert.All(Targets(readme), target => Assert.True(Path.Exists(Path.Combine(Repository.Root, target)), target));

    /// <summary>The files and folders that a README links, in alphabetical order.</summary>
    private static IEnumerable<string> Targets(string readme) =>
        LinkTarget()
            .Matches(File.ReadAllText(Path.Combine(Repository.Root, readme)))
            .Select(match => match.Groups[1].Value)
            .Where(target => !target.StartsWith("http", StringComparison.Ordinal))
            .Distinct()
            .Order(StringComparer.Ordinal);

    [GeneratedRegex(@"\]\(([^)#]+)[^)]*\)")]
    private static partial Regex LinkTarget();
}
