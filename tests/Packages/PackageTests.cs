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

    private static string? Described(ZipArchive package, string name) =>
        Nuspec(package).Descendants().FirstOrDefault(element => element.Name.LocalName == name)?.Value;

    private static XDocument Nuspec(ZipArchive package)
    {
        var entry = package.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal));
        using var text = entry.Open();
        return XDocument.Load(text);
    }
}
