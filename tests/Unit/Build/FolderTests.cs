using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>The folders of a project are layers: a reader of one needs only those that it uses.</summary>
public sealed partial class FolderTests
{
    [Theory]
    [InlineData("libraries/LlmGateway")]
    [InlineData("libraries/LocalServices")]
    [InlineData("libraries/Measuring")]
    [InlineData("libraries/Streaming")]
    [InlineData("LoadTests")]
    [InlineData("StreamApi")]
    [InlineData("tests/Benchmarks")]
    [InlineData("tests/Reliability")]
    [InlineData("WebFrontend")]
    public void Folders_of_a_project_do_not_use_each_other_in_a_circle(string project)
    {
        var name = Path.GetFileName(project);
        var files = (
            from file in SourceFiles.CSharp(project)
            let path = SourceFiles.PathOf(file)[(project.Length + 1)..]
            where path.Contains('/')
            select (Path: path, Folder: path[..path.IndexOf('/')], Text: File.ReadAllText(file.FullName))
        ).ToList();
        // Otherwise a use needs no directive.
        Assert.All(files, file => Assert.Contains($"namespace {name}.{file.Folder}", file.Text));

        var uses = (
            from file in files
            from Match used in Used().Matches(file.Text)
            where used.Groups["project"].Value == name
            let use = (From: file.Folder, To: used.Groups["folder"].Value, file.Path)
            where use.From != use.To
            select use
        ).ToList();
        // Without the folders that use no other, or that no other uses, and so on, only circles are left.
        var circles = uses;
        var before = 0;
        while (circles.Count != before)
        {
            var all = circles;
            before = all.Count;
            circles = [.. all.Where(u => all.Any(o => o.From == u.To) && all.Any(o => o.To == u.From))];
        }

        SourceFiles.AssertNone(circles.Select(use => $"{use.From} uses {use.To}: {project}/{use.Path}").Order());
    }

    [GeneratedRegex(@"^using (static |\w+ = )?(?<project>\w+)\.(?<folder>\w+)[\w.]*;", RegexOptions.Multiline)]
    private static partial Regex Used();
}
