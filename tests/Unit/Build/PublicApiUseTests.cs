using System.Xml.Linq;

namespace Unit.Build;

/// <summary>StreamApi and the articles' systems are customers of the public API (docs/public-api.md): no library shows
/// them anything else, and the compiler does the rest.</summary>
public sealed class PublicApiUseTests
{
    [Fact]
    public void No_library_names_StreamApi_as_a_friend()
    {
        var projects = SourceFiles
            .All.Where(file => file.Extension == ".csproj")
            .Select(file => (Path: SourceFiles.PathOf(file), Project: XDocument.Load(file.FullName)))
            .Where(project => project.Path.StartsWith("libraries/", StringComparison.Ordinal))
            .ToArray();

        Assert.NotEmpty(projects);
        SourceFiles.AssertNone(
            from project in projects
            from friend in project.Project.Descendants("InternalsVisibleTo")
            where friend.Attribute("Include")?.Value == "StreamApi"
            select project.Path
        );
        SourceFiles.AssertNone(
            from file in SourceFiles.CSharp("libraries")
            where File.ReadAllText(file.FullName).Contains("InternalsVisibleTo(", StringComparison.Ordinal)
            select SourceFiles.PathOf(file)
        );
    }
}
