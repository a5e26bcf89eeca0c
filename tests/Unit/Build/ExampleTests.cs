using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>Endpoints of the documentation, the packages' pages, the samples and the template, which readers
/// copy.</summary>
public sealed partial class ExampleTests
{
    /// <summary>An append throws for a value that is several tokens, so anybody's URL would be a 500. A stream of it is
    /// 404.</summary>
    [Fact]
    public void A_value_of_a_route_in_the_topic_of_an_append_has_a_constraint()
    {
        var found = (
            from file in SourceFiles.All
            where file.Extension == ".md" || file.Name == "Program.cs"
            from endpoint in Endpoint().Matches(File.ReadAllText(file.FullName))
            select (Path: SourceFiles.PathOf(file), Route: endpoint.Groups[1].Value, Code: endpoint.Groups[2].Value)
        ).ToArray();

        Assert.Contains(found, endpoint => endpoint.Path == "libraries/EventStore/PACKAGE.md");
        SourceFiles.AssertNone(
            from endpoint in found
            from value in Unconstrained().Matches(endpoint.Route)
            where endpoint.Code.Contains(value.Value, StringComparison.Ordinal)
            select $"{endpoint.Path}: {endpoint.Route}"
        );
    }

    /// <summary>The route of an endpoint that changes something, and its code.</summary>
    [GeneratedRegex(
        """\bMap(?:Post|Put|Patch|Delete)\(\s*"([^"]*)"(.*?)(?=\bMap[A-Z]|```|\z)""",
        RegexOptions.Singleline
    )]
    private static partial Regex Endpoint();

    [GeneratedRegex(@"\{\w+\}")]
    private static partial Regex Unconstrained();
}
