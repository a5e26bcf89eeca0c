using static Microsoft.Playwright.Assertions;

namespace Browser;

/// <summary>Pages that were hidden or closed while more happened than they show.</summary>
public class AbsenceTests(PagesFixture pages) : PageTests(pages)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_list_that_missed_thousands_of_events_continues_with_new_ones_and_says_so(bool closes)
    {
        var topic = Api.Topic();
        var page = await OpenLiveAsync($"/events?topic={topic}", await ClockedAsync());
        await Api.PublishAsync(topic, new { before = 1 });
        await Expect(page.Locator("#rows li")).ToHaveCountAsync(1);

        var address = page.Url;

        if (closes)
            await page.GotoAsync("about:blank");
        else
            await HideAsync(page);

        await Eventually.HoldsAsync(async () => (await Api.ConnectionsAsync(topic)).Count == 0);
        var last = "";
        for (var part = 0; part < 2; part++)
            last = await Api.PublishManyAsync(topic, 1_000);

        await Api.ReachedAsync(last); // a replica that lags would deliver some of them as live ones

        if (closes)
            await page.GotoAsync(address);
        else
            await ShowAsync(page);

        await Expect(page.Locator("#gap")).ToContainTextAsync("History has all of them");
        await IsLiveAsync(page);
        await Api.PublishAsync(topic, new { after = 1 });
        await Expect(page.Locator("#rows .data").First).ToHaveTextAsync("""{"after":1}""");
        await Expect(page.Locator("#received")).ToHaveTextAsync(closes ? "1" : "2"); // the live ones
    }

    [Fact]
    public async Task With_a_wrong_clock_live_events_are_counted_and_their_latency_is_left_out()
    {
        var topic = Api.Topic();
        var context = await ContextAsync();
        await context.AddInitScriptAsync("const now = Date.now; Date.now = () => now() + 120_000;");

        var page = await OpenLiveAsync($"/events?topic={topic}", context);
        await Api.PublishAsync(topic, new { n = 1 });
        await Expect(page.Locator("#received")).ToHaveTextAsync("1");
        await Expect(page.Locator("#latency")).ToHaveTextAsync("–");
    }
}
