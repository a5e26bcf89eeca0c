using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Unit.Security;

/// <summary>Dependencies must match their reviewed versions and hashes.</summary>
public partial class SupplyChainTests
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
            property =>
            {
                Assert.StartsWith(
                    "sha512-",
                    property.Value.GetProperty("integrity").GetString(),
                    StringComparison.Ordinal
                );
                Assert.False(property.Value.TryGetProperty("resolved", out _), property.Name);
            }
        );
    }

    [Fact]
    public void Every_install_is_by_lock_file_and_runs_no_script()
    {
        string[] kinds =
        [
            "*.cs",
            "*.targets",
            "*.props",
            "*.proj",
            "*.yml",
            "*.yaml",
            "*.sh",
            "package.json",
            "*ontainerfile*",
        ];

        var installs =
            from file in kinds.SelectMany(Files).Concat(Directory.EnumerateFiles(Path.Combine(Repository.Root, ".ci")))
            where !file.EndsWith("SupplyChainTests.cs", StringComparison.Ordinal)
            // A finding pins its packages itself, in a folder that it removes; nothing of the product runs it.
            where !Path.GetRelativePath(Repository.Root, file).StartsWith("findings", StringComparison.Ordinal)
            // Tries the newest clients on purpose, in a folder that it removes, once a day and without secrets.
            where !file.StartsWith(Path.Combine(Repository.Root, "tests", "VendorClients"), StringComparison.Ordinal)
            from Match install in Install().Matches(File.ReadAllText(file))
            select (File: Path.GetRelativePath(Repository.Root, file), Command: install.Value);
        var found = installs.ToList();

        foreach (var place in (string[])[".ci", ".github", "WebFrontend", "tests"])
            Assert.Contains(found, install => install.File.StartsWith(place, StringComparison.Ordinal));

        Assert.DoesNotContain(found, install => !IsSafe(install.Command));
    }

    [Theory]
    [InlineData("run: npm ci && npm run check # --ignore-scripts", false)]
    [InlineData("if npm ci --ignore-scripts --no-audit; then", true)]
    [InlineData("RUN npm install --ignore-scripts", false)]
    [InlineData("<Exec Command=\"npm i left-pad\" />", false)]
    [InlineData("[\"ci\", \"--no-audit\"], \"--ignore-scripts\"", false)]
    [InlineData("\"ci\",\n    \"--ignore-scripts\",\n]", true)]
    public void An_install_without_the_lock_file_or_with_scripts_is_found(string text, bool isSafe) =>
        Assert.Equal(isSafe, IsSafe(Assert.Single(Install().Matches(text)).Value));

    private static bool IsSafe(string command) =>
        (
            command.StartsWith("npm ci", StringComparison.Ordinal)
            || command.StartsWith("\"ci\"", StringComparison.Ordinal)
        ) && command.Contains("--ignore-scripts", StringComparison.Ordinal);

    /// <summary>An install up to the end of its command, or as the list of a process's arguments.</summary>
    [GeneratedRegex(@"\bnpm (?:ci|i|install|add)\b[^\n;&|#]*|""ci"",[^\])]*")]
    private static partial Regex Install();

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
