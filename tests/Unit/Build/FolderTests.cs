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
        SourceFiles.AssertNone(Circles(uses).Select(u => $"{u.From} uses {u.To}: {project}/{u.Path}").Order());
    }

    /// <summary>Its folders share a namespace, so a use is the name of a type.</summary>
    [Fact]
    public void Folders_of_the_event_store_do_not_use_each_other_in_a_circle()
    {
        const string Project = "libraries/EventStore";
        var files = (
            from file in SourceFiles.CSharp(Project)
            let path = SourceFiles.PathOf(file)[(Project.Length + 1)..]
            where path.Contains('/')
            let code = NoCode().Replace(File.ReadAllText(file.FullName), "")
            select (Path: path, Folder: path[..path.IndexOf('/')], Code: code)
        ).ToList();
        var folders = (
            from file in files
            from type in PageRules.TypesOf(file.Code)
            select (Type: type, file.Folder)
        ).ToLookup(type => type.Type, type => type.Folder);

        var uses = (
            from file in files
            from type in Name().Matches(file.Code).Select(name => name.Value).Distinct()
            from folder in folders[type]
            where folder != file.Folder
            select (From: file.Folder, To: folder, Path: $"{file.Path} ({type})")
        ).ToList();
        Assert.NotEmpty(uses);

        SourceFiles.AssertNone(Circles(uses).Select(u => $"{u.From} uses {u.To}: {u.Path}").Order());
    }

    /// <summary>Returns the uses without those of folders that use no other, or that no other uses, and so
    /// on.</summary>
    private static List<(string From, string To, string Path)> Circles(List<(string From, string To, string Path)> uses)
    {
        var circles = uses;
        var before = 0;
        while (circles.Count != before)
        {
            var all = circles;
            before = all.Count;
            circles = [.. all.Where(u => all.Any(o => o.From == u.To) && all.Any(o => o.To == u.From))];
        }

        return circles;
    }

    [GeneratedRegex(@"^using (static |\w+ = )?(?<project>\w+)\.(?<folder>\w+)[\w.]*;", RegexOptions.Multiline)]
    private static partial Regex Used();

    /// <summary>Comments, and strings of one line.</summary>
    [GeneratedRegex("//.*|\"[^\"\n]*\"")]
    private static partial Regex NoCode();

    /// <summary>A word that is no member's, neither where it is used nor where it is declared.</summary>
    [GeneratedRegex(@"(?<![.\w])[A-Z]\w+\b(?!\s*=(?!>))")]
    private static partial Regex Name();
}
