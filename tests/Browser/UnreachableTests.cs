using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

[Collection(SharedPages.Collection)]
public class UnreachableTests(PagesFixture pages) : PageTests(pages)
{
    [Theory]
    [InlineData("/connections", "sys.connections", "#rows [role=row]")]
    [InlineData("/petstore", "petstore.inventory", "#pets [data-pet]")]
    [InlineData("/patterns", "{reader}", "#wire > *")]
    [InlineData("/agent?session={session}", "{session}", ".turn[data-status=done]")]
    public async Task Without_StreamApi_a_page_says_so_keeps_its_content_and_recovers_by_itself(
        string path,
        string topic,
        string shown
    )
    {
        var session = path.Contains("{session}", StringComparison.Ordinal)
            ? await Api.SessionAsync("What is 6 * 7?")
            : "";
        await using var stream = await Api.SubscribeAsync(Api.Topic()); // something to list
        var context = await ContextAsync();
        var page = await OpenLiveAsync(path.Replace("{session}", session, StringComparison.Ordinal), context);

        await Expect(page.Locator(shown).First).ToBeVisibleAsync();
        // Readers of other sessions belong to other tests.
        topic = topic.Replace("{session}", session, StringComparison.Ordinal);
        if (topic == "{reader}")
            topic = (await page.Locator("#session").InnerTextAsync()).Split('/')[^1];

        await CutOffAsync(page, topic);
        // A screen reader hears the state, not each second of the countdown.
        await Expect(page.Locator("#state-said[role=status]")).ToHaveTextAsync("Waiting to reconnect");
        await Expect(page.Locator("#reason")).ToContainTextAsync("Data as of ");
        await Expect(page.Locator("main")).ToHaveAttributeAsync("data-stale", "true");
        await Expect(page.Locator(shown).First).ToBeVisibleAsync();

        await context.SetOfflineAsync(false);
        await IsLiveAsync(page);
        await Expect(page.Locator("main")).ToHaveAttributeAsync("data-stale", "false");
    }

    [Theory]
    [InlineData("/petstore", "**/v1/inventory/stream*", "#pets [data-pet]")]
    [InlineData("/connections", "**/v1/connections/stream*", "#rows [role=row]")]
    public async Task A_page_whose_stream_was_refused_opens_a_new_one_by_Connect_now(
        string path,
        string stream,
        string shown
    )
    {
        await using var listed = await Api.SubscribeAsync(Api.Topic());
        await ConnectsNowAsync(path, stream, shown);
    }

    [Fact]
    public async Task An_outage_behind_a_proxy_is_no_refusal()
    {
        var context = await ContextAsync("ja-JP");
        await context.RouteAsync("**/v1/inventory/stream*", route => RefuseAsync(route, 502, "502 Bad Gateway"));
        var page = await OpenAsync("/petstore", context);
        await Expect(page.Locator("#reason")).ToContainTextAsync("StreamApi が応答しません。");
        await Expect(page.Locator("#reason")).Not.ToContainTextAsync("Bad Gateway");
    }

    [Fact]
    public async Task A_page_whose_script_did_not_load_asks_to_be_reloaded()
    {
        var context = await ContextAsync();
        await context.RouteAsync("**/task-board.js", route => route.AbortAsync());
        var page = await OpenAsync("/tasks", context);
        await Expect(page.Locator("#not-loaded")).ToContainTextAsync("Reload the page.");
    }

    [Fact]
    public async Task Pages_without_a_stream_say_so_too_and_take_it_back()
    {
        var pages = new List<IPage>();
        foreach (var path in (string[])["/chat", "/agent", "/load"])
        {
            var page = await (await ClockedAsync()).NewPageAsync();
            await page.RouteAsync("**/status?*", route => route.AbortAsync());
            await page.GotoAsync(new Uri(Frontend, path).ToString());
            pages.Add(page);
        }

        foreach (var page in pages)
            await Expect(page.Locator("#away")).ToBeVisibleAsync();

        foreach (var page in pages)
        {
            await page.UnrouteAllAsync();
            await page.Clock.FastForwardAsync("00:05");
        }

        foreach (var page in pages)
            await Expect(page.Locator("#away")).ToBeHiddenAsync();
    }
}
