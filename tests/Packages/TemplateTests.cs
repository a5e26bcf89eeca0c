using System.Text.RegularExpressions;
using Harness;

namespace Packages;

public sealed partial class TemplateTests(MadePackages made)
{
    [Fact]
    public async Task A_new_application_builds_without_warnings_passes_its_test_and_starts()
    {
        await made.CreateApplicationAsync();
        var built = await MadePackages.DotnetAsync(made.NewApplication, "build", "-nologo", "-v", "q");
        // NU1603: a feed lacks the exact version that a package asks for.
        Assert.DoesNotContain("warning", OtherVersion().Replace(built, ""));

        var tested = await MadePackages.DotnetAsync(made.NewApplication, "test", "--no-build");
        Assert.Matches(@"Passed:\s+1\b", tested);

        await StartsAsync();
    }

    /// <summary>The application as its README starts it, with its own ports and a store that is kept.</summary>
    private async Task StartsAsync()
    {
        var settings = await File.ReadAllTextAsync(
            Path.Combine(made.NewApplication, $"{MadePackages.Application}.Api", "Properties", "launchSettings.json"),
            TestContext.Current.CancellationToken
        );
        var address = ApplicationUrl().Match(settings).Groups["url"].Value;

        await using var application = ChildProcess.Start(
            "application",
            ["dotnet", "run", "--no-build", "--project", $"{MadePackages.Application}.AppHost"],
            folder: made.NewApplication
        );
        using var client = new HttpClient();
        await Eventually.HoldsAsync(
            async () => (await client.GetAsync(new Uri($"{address}/health"))).IsSuccessStatusCode,
            state: () => application.Output
        );

        Assert.Contains(
            "EventSource",
            await client.GetStringAsync(new Uri($"{address}/page.js"), TestContext.Current.CancellationToken)
        );
        Assert.Contains("/login?t=", application.Output);
    }

    [GeneratedRegex(".*warning NU1603.*")]
    private static partial Regex OtherVersion();

    [GeneratedRegex("\"applicationUrl\": \"(?<url>[^\"]*)\"")]
    private static partial Regex ApplicationUrl();
}
