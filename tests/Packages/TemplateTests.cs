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

        using var client = new HttpClient();

        await using (var application = Start("--project", $"{MadePackages.Application}.AppHost"))
        {
            await Eventually.HoldsAsync(
                async () => (await client.GetAsync(new Uri($"{address}/health"))).IsSuccessStatusCode,
                state: () => application.Output
            );

            Assert.Contains(
                "EventSource",
                await client.GetStringAsync(new Uri($"{address}/page.js"), TestContext.Current.CancellationToken)
            );
            Assert.Contains("/login?t=", application.Output);
            await StartsBesideAsync();
        }

        // Its processes end before it does.
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(new Uri($"{address}/health")));
    }

    /// <summary>The same application once more, by the command with which the first attempt is refused.</summary>
    private async Task StartsBesideAsync()
    {
        await using var refused = Start("--project", $"{MadePackages.Application}.AppHost");
        await Eventually.HoldsAsync(() => SecondStack().IsMatch(refused.Output), state: () => refused.Output);

        await using var second = Start(SecondStack().Match(refused.Output).Groups["arguments"].Value.Split(' '));
        await Eventually.HoldsAsync(
            () => second.Output.Contains("/login?t=", StringComparison.Ordinal),
            state: () => second.Output
        );
    }

    private ChildProcess Start(params string[] arguments) =>
        ChildProcess.Start("application", ["dotnet", "run", "--no-build", .. arguments], folder: made.NewApplication);

    [GeneratedRegex("dotnet run (?<arguments>--project .*)")]
    private static partial Regex SecondStack();

    [GeneratedRegex(".*warning NU1603.*")]
    private static partial Regex OtherVersion();

    [GeneratedRegex("\"applicationUrl\": \"(?<url>[^\"]*)\"")]
    private static partial Regex ApplicationUrl();
}
