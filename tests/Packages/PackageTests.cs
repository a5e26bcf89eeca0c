using System.IO.Compression;
using System.Xml.Linq;

namespace Packages;

public sealed class PackageTests(MadePackages made)
{
    [Fact]
    public void Each_package_has_a_page_a_licence_and_symbols()
    {
        var packages = Directory.GetFiles(made.Feed, "*.nupkg");
        Assert.Equal(10, packages.Length);
        Assert.All(
            packages,
            package =>
            {
                using var content = ZipFile.OpenRead(package);
                Assert.NotNull(content.GetEntry("README.md"));
                Assert.Equal("MIT", Described(content, "license"));
                Assert.False(string.IsNullOrWhiteSpace(Described(content, "description")));
                Assert.True(
                    File.Exists(Path.ChangeExtension(package, "snupkg")) || package.Contains("Templates"),
                    $"{package} has no symbols"
                );
            }
        );
    }

    /// <summary>They share internals.</summary>
    [Fact]
    public void A_package_needs_exactly_its_own_version_of_the_others()
    {
        var needed = Directory
            .GetFiles(made.Feed, "*.nupkg")
            .SelectMany(package =>
            {
                using var content = ZipFile.OpenRead(package);
                return Nuspec(content)
                    .Descendants()
                    .Where(element => element.Name.LocalName == "dependency")
                    .Select(element => (Id: element.Attribute("id")!.Value, element.Attribute("version")!.Value))
                    .Where(dependency => dependency.Id.StartsWith("AspireSse.", StringComparison.Ordinal))
                    .ToList();
            })
            .ToList();
        Assert.NotEmpty(needed);
        Assert.All(needed, dependency => Assert.Equal($"[{made.Version}]", dependency.Value));
    }

    [Fact]
    public void The_analyzer_of_topics_reaches_whoever_installs_any_of_the_packages()
    {
        using var log = ZipFile.OpenRead(Path.Combine(made.Feed, $"AspireSse.EventStore.{made.Version}.nupkg"));
        Assert.NotNull(log.GetEntry("analyzers/dotnet/cs/AspireSse.Analyzers.dll"));

        foreach (var package in Directory.GetFiles(made.Feed, "*.nupkg"))
        {
            using var content = ZipFile.OpenRead(package);
            Assert.DoesNotContain(
                Nuspec(content).Descendants().Where(element => element.Name.LocalName == "dependency"),
                dependency =>
                    dependency.Attribute("id")!.Value.StartsWith("AspireSse.", StringComparison.Ordinal)
                    && dependency.Attribute("exclude")?.Value.Contains("Analyzers", StringComparison.Ordinal) == true
            );
        }
    }

    private static string? Described(ZipArchive package, string name) =>
        Nuspec(package).Descendants().FirstOrDefault(element => element.Name.LocalName == name)?.Value;

    private static XDocument Nuspec(ZipArchive package)
    {
        var entry = package.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal));
        using var text = entry.Open();
        return XDocument.Load(text);
    }
}
