using System.Text.RegularExpressions;
using Stack;
using static Microsoft.Playwright.Assertions;

namespace Browser.Tests;

public partial class OverviewPageTests(StackFixture stack, BrowserFixture browser) : PageTests(stack, browser)
{
    [Fact]
    public async Task It_shows_every_replica_who_relays_and_that_all_is_live()
    {
        var page = await OpenAsync("/");
        foreach (var replica in await Api.ReplicasAsync())
        {
            var row = page.Locator("#replica-rows tr", new() { HasText = replica["name"]!.GetValue<string>() });
            await Expect(row).ToContainTextAsync("Live");
            await Expect(row.Locator("[data-health=Healthy]")).ToHaveCountAsync(2);
        }
        await Expect(page.Locator("#replica-rows tr")).ToHaveCountAsync(2);
        await Expect(page.Locator("#broadcaster-rows [data-leader=true]")).ToHaveCountAsync(1);
        await Expect(page.Locator("#mode")).ToHaveAttributeAsync("data-mode", "live");
        await Expect(page.Locator("#trouble")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task What_is_delivered_is_counted_and_drawn()
    {
        var topic = Api.Topic();
        await using var stream = await Api.SubscribeAsync(topic);
        var page = await OpenAsync("/");
        await Expect(page.Locator("#chart-deliveries canvas")).ToBeVisibleAsync();

        using var publishing = new CancellationTokenSource();
        var publisher = Task.Run(async () =>
        {
            for (var n = 0; !publishing.IsCancellationRequested; n++) await Api.PublishAsync(topic, new { n });
        }, Cancelled);
        await Expect(page.Locator("#p99")).ToHaveTextAsync(Milliseconds(), new() { Timeout = 15_000 });
        await Expect(page.Locator("#appended")).ToHaveTextAsync(Positive());
        await Expect(page.Locator("#chart-deliveries .legend b").First).ToBeVisibleAsync();
        await publishing.CancelAsync();
        await publisher;
    }

    [Fact]
    public async Task In_Japanese_it_is_Japanese_and_stays_so()
    {
        var page = await OpenAsync("/", await ContextAsync("ja-JP"));
        await Expect(page.Locator("html")).ToHaveAttributeAsync("lang", "ja");
        await page.GetByRole(Microsoft.Playwright.AriaRole.Link, new() { Name = "English", Exact = true }).ClickAsync();
        await Expect(page.Locator("html")).ToHaveAttributeAsync("lang", "en");
        await page.GetByRole(Microsoft.Playwright.AriaRole.Link, new() { Name = "Events", Exact = true }).ClickAsync();
        await Expect(page.Locator("html")).ToHaveAttributeAsync("lang", "en");
    }

    [GeneratedRegex(@"^[0-9.,]+ ms$")]
    private static partial Regex Milliseconds();

    [GeneratedRegex("[1-9]")]
    private static partial Regex Positive();
}
