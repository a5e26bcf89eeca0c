using System.Text.Json;
using System.Xml.Linq;

namespace Unit.Security;

/// <summary>Dependencies must match their reviewed versions and hashes.</summary>
public class SupplyChainTests
{
    public static TheoryData<string> LockFiles =>
        [.. Files("package-lock.json").Select(f => Path.GetRelativePath(Repository.Root, f))];

    [Theory]
    [MemberData(nameof(LockFiles))]
    public void Every_npm_package_is_locked_by_its_hash_and_comes_from_the_registry(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, file)));
        var packages = document
            .RootElement.GetProperty("packages")
            .EnumerateObject()
            .Where(p => p.Name.StartsWith("node_modules/", StringComparison.Ordinal))
            .ToList();
        Assert.NotEmpty(packages);
        Assert.All(
            packages,
            p =>
            {
                Assert.StartsWith("sha512-", p.Value.GetProperty("integrity").GetString(), StringComparison.Ordinal);
                Assert.False(p.Value.TryGetProperty("resolved", out _), p.Name);
            }
        );
    }

    [Fact]
    public void Every_install_is_by_lock_file_and_runs_no_script()
    {
        var installs = Files("*.cs")
            .Concat(Files("*.targets"))
            .Concat(Files("*.yml"))
            .Concat(Files("*.sh"))
            .Where(f => !f.EndsWith("SupplyChainTests.cs", StringComparison.Ordinal))
            .SelectMany(File.ReadLines)
            .Where(l =>
                l.Contains("npm ci", StringComparison.Ordinal)
                || l.Contains("npm install", StringComparison.Ordinal)
                || l.Contains("[\"ci\",", StringComparison.Ordinal)
                || l.Contains("\"npm\", \"ci\"", StringComparison.Ordinal)
            )
            .ToList();
        Assert.NotEmpty(installs);
        // A comment or a message that names the command has no flags; a command has.
        Assert.All(
            installs.Where(l => l.Contains("--no-audit", StringComparison.Ordinal)),
            line => Assert.Contains("--ignore-scripts", line, StringComparison.Ordinal)
        );
        Assert.DoesNotContain(
            installs,
            l => l.Contains("npm install", StringComparison.Ordinal) && l.Contains("Exec", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void NuGet_audits_every_package_and_a_known_hole_fails_the_build()
    {
        var properties = XDocument
            .Load(Path.Combine(Repository.Root, "Directory.Build.props"))
            .Descendants()
            .ToLookup(e => e.Name.LocalName, e => e.Value);
        Assert.Equal("all", properties["NuGetAuditMode"].Single());
        Assert.Equal("true", properties["TreatWarningsAsErrors"].Single());
        Assert.Empty(properties["NuGetAudit"]); // on where nothing turns it off
    }

    internal static IEnumerable<string> Files(string pattern) =>
        Directory
            .EnumerateFiles(Repository.Root, pattern, SearchOption.AllDirectories)
            .Where(f =>
                !Path.GetRelativePath(Repository.Root, f)
                    .Split(Path.DirectorySeparatorChar)
                    .Any(p => p is "artifacts" or "node_modules" or ".local" or ".git")
            );
}
