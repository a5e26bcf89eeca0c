using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Xml.Linq;

namespace Unit.Build;

/// <summary>The feed switch, with a folder of empty packages as the feed.</summary>
public sealed class FeedProbeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("probe-").FullName;
    private int _asked;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private const string Testing = "Aspire.Hosting.Testing",
        Resilience = "Microsoft.Extensions.Http.Resilience";
    private static readonly string Aspire = Property("eng/Versions.props", "AspireVersion"),
        Preview = Property("eng/Versions.props", "AspirePreviewVersion");

    [Fact]
    public async Task A_feed_with_every_package_is_used_and_remembered()
    {
        using var feed = Complete();
        var (output, answer) = await AskAsync(feed.Folder);
        Assert.Contains("found on the NuGet feed", output, StringComparison.Ordinal);
        Assert.Contains("<UseAspirePackages>true<", answer, StringComparison.Ordinal);
    }

    public static TheoryData<string> Needed =>
        [Testing, "Aspire.AppHost.Sdk", $"Aspire.Dashboard.Sdk.{Rid}", $"Aspire.Hosting.Orchestration.{Rid}"];

    [Theory]
    [MemberData(nameof(Needed))]
    public async Task A_feed_that_lacks_one_package_is_not_used_and_that_is_remembered(string missing)
    {
        using var feed = Complete();
        feed.Remove(missing);
        var (output, answer) = await AskAsync(feed.Folder);
        Assert.Contains("not on the NuGet feed", output, StringComparison.Ordinal);
        Assert.Contains("<UseAspirePackages>false<", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Incompatible_packages_are_named_and_requested_again()
    {
        using var feed = Complete();
        feed.Remove(Testing);
        feed.Add(Testing, Aspire, (Resilience, "99.0.0"));
        feed.Add(Resilience, "99.0.0");
        var (output, answer) = await AskAsync(feed.Folder);
        Assert.Contains("NU1109", output, StringComparison.Ordinal);
        Assert.Contains(Resilience, output, StringComparison.Ordinal);
        Assert.Contains("Correct the versions in Directory.Packages.props", output, StringComparison.Ordinal);
        Assert.DoesNotContain("cannot be reached", output, StringComparison.Ordinal);
        Assert.Null(answer);

        feed.Remove(Testing);
        feed.Add(Testing, Aspire, (Resilience, "10.8.0"));
        (output, answer) = await AskAsync(feed.Folder);
        Assert.Contains("found on the NuGet feed", output, StringComparison.Ordinal);
        Assert.Contains("<UseAspirePackages>true<", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_feed_that_does_not_answer_is_asked_again()
    {
        var (output, answer) = await AskAsync("https://127.0.0.1:1/v3/index.json");
        Assert.Contains("cannot be reached", output, StringComparison.Ordinal);
        Assert.Null(answer);

        using var feed = Complete();
        (_, answer) = await AskAsync(feed.Folder);
        Assert.Contains("<UseAspirePackages>true<", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NBomber_is_used_although_it_needs_a_newer_FSharp_than_the_tests()
    {
        using var feed = new FakeFeed();
        feed.Add("NBomber", Property("eng/Versions.props", "NBomberVersion"), ("FSharp.Core", "10.1.302"));
        feed.Add("FSharp.Core", "10.1.302");
        var (output, answer) = await AskAsync(feed.Folder, "NBomber/NBomberProbe.csproj");
        Assert.Contains("found on the NuGet feed", output, StringComparison.Ordinal);
        Assert.NotNull(answer);
    }

    [Fact]
    public async Task A_feed_that_takes_too_long_is_asked_again_and_its_versions_are_not_blamed()
    {
        using var feed = Complete();
        var (output, answer) = await AskAsync(feed.Folder, limit: 1);
        Assert.Contains("took longer than", output, StringComparison.Ordinal);
        Assert.DoesNotContain("Correct the versions", output, StringComparison.Ordinal);
        Assert.Null(answer);
    }

    [Fact]
    public void The_resilience_package_is_not_older_than_Aspire_requires()
    {
        // Aspire.Hosting.Testing 13.5 asks for 10.8.0; below it, restoring fails with NU1109.
        Assert.True(Version.Parse(Pinned()[Resilience]) >= new Version(10, 8, 0));
    }

    private static string Rid
    {
        get
        {
            var system =
                OperatingSystem.IsWindows() ? "win"
                : OperatingSystem.IsMacOS() ? "osx"
                : "linux";
            return $"{system}-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";
        }
    }

    private static FakeFeed Complete()
    {
        var feed = new FakeFeed();
        string[] projects = ["FeedProbe.csproj", "Services/ServicesProbe.csproj"];
        var asked = projects
            .SelectMany(p => XDocument.Load(Path.Combine(Repository.Root, "eng/FeedProbe", p)).Descendants())
            .ToLookup(e => e.Name.LocalName, e => (string?)e.Attribute("Include"));
        var pinned = Pinned();
        foreach (var id in asked["PackageDownload"])
            feed.Add(id!.Replace("$(NETCoreSdkPortableRuntimeIdentifier)", Rid, StringComparison.Ordinal), Aspire);
        foreach (var id in asked["PackageReference"])
            feed.Add(id!, pinned[id!], id == Testing ? (Resilience, "10.8.0") : null);
        return feed;
    }

    private static Dictionary<string, string> Pinned() =>
        XDocument
            .Load(Path.Combine(Repository.Root, "Directory.Packages.props"))
            .Descendants("PackageVersion")
            .GroupBy(p => (string)p.Attribute("Include")!, p => (string)p.Attribute("Version")!)
            .ToDictionary(p => p.Key, p => Resolved(p.Last()));

    private static string Resolved(string pinned) =>
        pinned
            .Replace("$(AspireVersion)", Aspire, StringComparison.Ordinal)
            .Replace("$(AspirePreviewVersion)", Preview, StringComparison.Ordinal);

    private async Task<(string Output, string? Answer)> AskAsync(
        string source,
        string probe = "FeedProbe.csproj",
        int limit = 600_000
    )
    {
        var answer = Path.Combine(_folder, "answer.props");
        var start = new ProcessStartInfo(
            "dotnet",
            [
                "msbuild",
                Path.Combine(Repository.Root, "eng/AskFeed.proj"),
                "-nologo",
                "-tl:off",
                "-nodeReuse:false",
                $"-p:Probe={Path.Combine(Repository.Root, "eng/FeedProbe", probe)}",
                $"-p:Limit={limit}",
                "-p:Name=Aspire",
                "-p:Switch=UseAspirePackages",
                "-p:StandIn=compat/",
                $"-p:AnswerFile={answer}",
            ]
        )
        {
            RedirectStandardOutput = true,
            // Properties of the restore that it starts, and caches of its own.
            Environment =
            {
                ["RestoreSources"] = source,
                ["NUGET_PACKAGES"] = Path.Combine(_folder, $"packages-{_asked++}"),
                ["RestoreNoCache"] = "true",
                ["ProbeOutput"] = _folder + "/obj",
                ["MSBUILDDISABLENODEREUSE"] = "1",
            },
        };
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
        return (
            output,
            File.Exists(answer) ? await File.ReadAllTextAsync(answer, TestContext.Current.CancellationToken) : null
        );
    }

    private static string Property(string file, string name) =>
        XDocument.Load(Path.Combine(Repository.Root, file)).Descendants(name).Single().Value;
}
