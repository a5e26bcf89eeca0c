using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

/// <summary>The pages as in Production: a visitor who has not signed in sees none of them.</summary>
[Trait("Takes", "long")]
public partial class SignInTests(PagesFixture pages) : PageTests(pages)
{
    [Fact]
    public async Task In_Production_a_visitor_signs_in_watches_live_streams_and_has_none_after_signing_out()
    {
        await using var system = await ProductionSystem.StartAsync();
        var context = await ContextAsync(ignoreHttpsErrors: true);
        var page = await context.NewPageAsync();

        await page.GotoAsync(system.Page("/connections"));
        await Expect(page).ToHaveURLAsync(system.Page("/sign-in?to=%2Fconnections"));
        await SignInAsync(page, "nobody's-key");
        await Expect(page.Locator("#trouble"))
            .ToHaveTextAsync("StreamApi does not accept this token or key. It may be wrong or expired.");
        await SignInAsync(page, ProductionSystem.Key);
        await Expect(page).ToHaveURLAsync(system.Page("/connections"));
        await page.GotoAsync(system.Page("/"));
        await Expect(page.Locator("#mode")).ToHaveAttributeAsync("data-mode", "live");

        var topic = Api.Topic();
        await page.GotoAsync(system.Page($"/events?topic={topic}"));
        await IsLiveAsync(page);
        await system.PublishAsync(topic, new { n = 1 });
        await Expect(page.Locator("#rows .data")).ToHaveTextAsync("""{"n":1}""");

        // Both of its streams: StreamApi's through this site, and one that this site reads for the page.
        var patterns = await context.NewPageAsync();
        await patterns.GotoAsync(system.Page("/patterns"));
        await Expect(patterns.Locator("#source")).ToHaveAttributeAsync("data-source", "speaks");
        await Expect(patterns.Locator("#read")).ToHaveTextAsync(Positive());
        // Those of the pages that were left have ended.
        await Eventually.HoldsAsync(async () => await system.StreamsAsync() == 3);

        var overview = await context.NewPageAsync();
        await overview.GotoAsync(system.Page("/"));
        await Expect(overview.Locator("#mode")).ToHaveAttributeAsync("data-mode", "live");

        var leaving = await context.NewPageAsync();
        await leaving.GotoAsync(system.Page("/sign-in"));
        await leaving.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(leaving.Locator("#credential")).ToBeVisibleAsync();

        foreach (var tab in (IPage[])[page, patterns])
        {
            await Expect(tab.Locator("#state")).ToHaveAttributeAsync("data-state", "closed");
            await Expect(tab.Locator("#reason")).ToContainTextAsync("Sign in first");
        }

        await Expect(patterns.Locator("#reading")).ToContainTextAsync("Sign in first");
        await Expect(overview.Locator("#trouble")).ToContainTextAsync("signed out");
        await Expect(overview.Locator("#sign-in")).ToBeVisibleAsync();
        await Eventually.HoldsAsync(async () => await system.StreamsAsync() == 0);
        await page.ReloadAsync();
        await Expect(page).ToHaveURLAsync(SignIn());
    }

    private static async Task SignInAsync(IPage page, string credential)
    {
        await page.Locator("#credential").FillAsync(credential);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }

    [GeneratedRegex(@"/sign-in\?to=%2Fevents%3Ftopic%3D")]
    private static partial Regex SignIn();

    [GeneratedRegex("[1-9]")]
    private static partial Regex Positive();
}
