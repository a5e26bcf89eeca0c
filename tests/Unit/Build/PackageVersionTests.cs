using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Unit.Build;

/// <summary>The samples and the template are projects of their own, and name the versions themselves.</summary>
public sealed partial class PackageVersionTests
{
    private static string Own =>
        XDocument.Load(Repository.PathOf("Directory.Build.props")).Descendants("Version").Single().Value;

    [Fact]
    public void Samples_and_template_use_the_versions_that_are_tested_here()
    {
        var tested = XDocument
            .Load(Repository.PathOf("Directory.Packages.props"))
            .Descendants("PackageVersion")
            .ToDictionary(package => package.Attribute("Include")!.Value, Version);
        var found = (
            from file in SourceFiles.In("samples", "templates")
            where file.Extension == ".csproj"
            from reference in XDocument.Load(file.FullName).Descendants("PackageReference")
            let name = reference.Attribute("Include")!.Value
            where tested.ContainsKey(name)
            select (Reference: $"{SourceFiles.PathOf(file)}: {name} {Version(reference)}", name, Version(reference))
        ).ToList();

        Assert.NotEmpty(found);
        SourceFiles.AssertNone(found.Where(f => f.Item3 != tested[f.name]).Select(f => f.Reference));
    }

    [Fact]
    public void Each_AppHost_has_the_same_SDK()
    {
        var sdks =
            from file in SourceFiles.All
            where file.Extension == ".csproj"
            let sdk = AppHostSdk().Match(File.ReadAllText(file.FullName)).Value
            where sdk.Length > 0
            select sdk;
        Assert.Equal(3, sdks.Count());
        Assert.Single(sdks.Distinct());
    }

    [Fact]
    public void Samples_and_template_ask_for_the_packages_of_this_version()
    {
        Assert.Contains($">{Own}</AspireSseVersion>", Text("samples/Directory.Build.props"));
        Assert.Contains($"\"value\": \"{Own}\"", Text("templates/aspire-sse/.template.config/template.json"));
        // What a pack fills in.
        Assert.Contains($"&quot;{Own}&quot;", Text("templates/AspireSse.Templates.csproj"));
    }

    private static string Version(XElement package) => package.Attribute("Version")!.Value;

    private static string Text(string path) => File.ReadAllText(Repository.PathOf(path));

    [GeneratedRegex(@"Aspire\.AppHost\.Sdk/[\d.]+")]
    private static partial Regex AppHostSdk();
}
