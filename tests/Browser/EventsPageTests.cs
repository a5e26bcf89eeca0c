using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

public partial class EventsPageTests(PagesFixture pages) : PageTests(pages)
{
    [Fact]
    public async Task Events_published_by_the_form_appear_also_in_Japanese()
    {
        var topic = Api.Topic();
        var page = await OpenLiveAsync($"/events?topic={topic}");
        await page.Locator("#publish-topic").FillAsync(topic);
        await page.Locator("#publish-data")
            .FillAsync("""{ "text": "こんにちは、世界 🌸", "n": 10000000000000000001 }""");
        await page.Keyboard.PressAsync("Control+Enter");
        await Expect(page.Locator("#publish-result")).ToContainTextAsync("Stored at");
        await Expect(page.Locator("#rows li")).ToHaveCountAsync(1);
        await Expect(page.Locator("#rows .data")).ToContainTextAsync("こんにちは、世界 🌸");
    }

    [Fact]
    public async Task An_event_that_cannot_be_published_gets_an_error_at_its_field()
    {
        var page = await OpenAsync("/events");
        await page.Locator("#publish-topic").FillAsync("no topic");
        await page.Locator("#publish-data").FillAsync("{");
        await page.GetByRole(AriaRole.Button, new() { Name = "Publish", Exact = true }).ClickAsync();
        await Expect(page.Locator("#publish-topic")).ToBeFocusedAsync();
        await Expect(page.Locator("#publish-topic-error")).ToBeVisibleAsync();
        await Expect(page.Locator("#publish-data-error")).ToHaveTextAsync("This is not JSON: see line 1, column 2.");

        var japanese = await OpenAsync("/events", await ContextAsync("ja-JP"));
        await japanese.Locator("#publish-data").FillAsync("{\n  oops }");
        await japanese.GetByRole(AriaRole.Button, new() { Name = "発行", Exact = true }).ClickAsync();
        await Expect(japanese.Locator("#publish-data-error"))
            .ToHaveTextAsync("JSON として正しくありません（2 行 3 文字目）。");
    }

    /// <summary>A 503 may come after the commit.</summary>
    [Fact]
    public async Task An_event_that_is_published_again_after_a_503_keeps_its_id_until_it_is_accepted()
    {
        var topic = Api.Topic();
        var page = await OpenLiveAsync($"/events?topic={topic}");
        var bodies = new List<string?>();
        await page.RouteAsync(
            "**/v1/events",
            async route =>
            {
                bodies.Add(route.Request.PostData);
                var response = await route.FetchAsync();
                await route.FulfillAsync(new() { Response = response, Status = bodies.Count == 1 ? 503 : 202 });
            }
        );

        await page.Locator("#publish-topic").FillAsync(topic);
        foreach (var result in (string[])["bad", "good", "good"])
        {
            await page.GetByRole(AriaRole.Button, new() { Name = "Publish", Exact = true }).ClickAsync();
            await Expect(page.Locator("#publish-result")).ToHaveClassAsync(result);
            await page.Locator("#publish-result").EvaluateAsync("result => (result.className = '')");
        }

        Assert.Equal(bodies[0], bodies[1]);
        Assert.NotEqual(bodies[1], bodies[2]);
        await Expect(page.Locator("#rows li")).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task A_page_reloaded_in_mid_stream_misses_nothing_and_shows_nothing_twice()
    {
        var topic = Api.Topic();
        var page = await OpenLiveAsync($"/events?topic={topic}");
        const int Count = 60;
        var publisher = PublishAsync(topic, 0, Count);

        await Expect(page.Locator("#rows li").Nth(9)).ToBeVisibleAsync();
        await page.ReloadAsync();
        await publisher;
        await ShowsAsync(page, Count);
    }

    [Fact]
    public async Task Two_tabs_share_one_connection_and_the_second_continues_when_the_first_is_closed()
    {
        var topic = Api.Topic();
        var context = await ContextAsync();
        var first = await OpenLiveAsync($"/events?topic={topic}", context);
        var second = await OpenLiveAsync($"/events?topic={topic}", context);

        // it receives which replica the first is connected to
        await Expect(first.Locator("#replica")).Not.ToHaveTextAsync("–");
        await Expect(second.Locator("#replica")).ToHaveTextAsync(await first.Locator("#replica").InnerTextAsync());

        await PublishAsync(topic, 0, 5);
        await ShowsAsync(first, 5);
        await ShowsAsync(second, 5);
        Assert.Single(await Api.ConnectionsAsync(topic));

        var publisher = PublishAsync(topic, 5, 40);
        await first.CloseAsync();
        await publisher;
        await ShowsAsync(second, 40);
        // The server may not have noticed yet that the first tab's connection has gone.
        await Eventually.HoldsAsync(async () => (await Api.ConnectionsAsync(topic)).Count == 1);
    }

    [Theory]
    [InlineData(
        "Object.defineProperty(navigator, 'locks', "
            + "{ value: { request: () => Promise.reject(new DOMException('', 'SecurityError')) } });"
    )]
    [InlineData("BroadcastChannel = class { constructor() { throw new DOMException('', 'SecurityError'); } };")]
    public async Task Where_the_browser_forbids_storage_a_tab_has_a_connection_of_its_own(string forbids)
    {
        var context = await RestrictedAsync();
        await context.AddInitScriptAsync(forbids);
        await OpenLiveAsync("/events", context);
    }

    [Fact]
    public async Task Offline_the_page_says_so_and_online_again_it_resumes_without_a_gap()
    {
        var topic = Api.Topic();
        var context = await ContextAsync();
        var page = await OpenLiveAsync($"/events?topic={topic}", context);

        await PublishAsync(topic, 0, 3);
        await ShowsAsync(page, 3);

        await CutOffAsync(page, topic);
        await Expect(page.Locator("#reason")).Not.ToBeEmptyAsync();
        await PublishAsync(topic, 3, 10);
        await context.SetOfflineAsync(false);
        await ShowsAsync(page, 10);
        await IsLiveAsync(page);
    }

    [Fact]
    public async Task A_stream_without_a_byte_is_no_longer_shown_as_live_and_is_again_with_the_next_one()
    {
        var topic = Api.Topic();
        var context = await ClockedAsync();
        // The page's time passes only by the test's: a slow machine adds no second.
        await context.Clock.PauseAtAsync(DateTime.UtcNow.AddHours(1));
        var page = await OpenLiveAsync($"/events?topic={topic}", context);
        await page.Clock.FastForwardAsync("00:18");
        await Expect(page.Locator("#state")).ToHaveAttributeAsync("data-state", "quiet");
        await Expect(page.Locator("#state-text")).ToContainTextAsync("No data for 18 s");
        await Expect(page.Locator("#reason")).ToContainTextAsync("Data as of ");
        await Api.PublishAsync(topic, new { n = 0 });
        await IsLiveAsync(page);
        await Expect(page.Locator("#reason")).ToBeEmptyAsync();
    }

    [Fact]
    public async Task Events_that_a_stream_repeats_are_counted_as_replayed()
    {
        var topic = Api.Topic();
        var page = await OpenLiveAsync($"/events?topic={topic}");
        var last = await Api.PublishManyAsync(topic, 3);
        await Expect(page.Locator("#received")).ToHaveTextAsync("3");
        await Expect(page.Locator("#replayed")).ToBeEmptyAsync();
        await Api.ReachedAsync(last); // a replica that lags would deliver some of them as live ones
        await page.ReloadAsync();
        await Expect(page.Locator("#replayed")).ToHaveTextAsync("+ 3 replayed");
        await Expect(page.Locator("#received")).ToHaveTextAsync("0");
    }

    [Theory]
    [InlineData("", "hello")]
    [InlineData("&type=greeted", "greeted")]
    public async Task An_empty_list_has_a_button_that_fills_it(string types, string type)
    {
        var topic = Api.Topic();
        var page = await OpenLiveAsync($"/events?topic={topic}.*{types}");
        await page.GetByRole(AriaRole.Button, new() { Name = "Publish 20 events" }).ClickAsync();
        await Expect(page.Locator("#rows .topic").First).ToHaveTextAsync($"{topic}.hello");
        await Expect(page.Locator("#rows .type").First).ToHaveTextAsync(type);
    }

    [Fact]
    public async Task History_shows_the_stored_events_page_by_page()
    {
        var topic = Api.Topic();
        await PublishAsync(topic, 0, 60, pause: false);
        var page = await OpenAsync($"/events?topic={topic}");

        await page.GetByRole(AriaRole.Button, new() { Name = "History" }).ClickAsync();
        await Expect(page.Locator("#history-rows li")).ToHaveCountAsync(50);
        await page.GetByRole(AriaRole.Button, new() { Name = "Next page" }).ClickAsync();
        await Expect(page.Locator("#history-rows li")).ToHaveCountAsync(10);
        await Expect(page.Locator("#history-rows li .data").Last).ToHaveTextAsync("""{"n":59}""");
    }

    [Fact]
    public async Task An_event_links_to_its_trace()
    {
        var topic = Api.Topic();
        var page = await OpenLiveAsync($"/events?topic={topic}");
        await Api.PublishAsync(topic, new { n = 1 });
        await page.Locator("#rows summary").ClickAsync();

        var trace = TraceId().Match(await page.Locator(".envelope").InnerTextAsync()).Groups[1].Value;
        await Expect(page.Locator(".trace"))
            .ToHaveAttributeAsync("href", $"{PagesSystem.Dashboard}/traces/detail/{trace}");
    }

    [Fact]
    public async Task While_paused_events_wait_and_none_is_lost()
    {
        var topic = Api.Topic();
        var page = await OpenLiveAsync($"/events?topic={topic}");
        await page.GetByRole(AriaRole.Button, new() { Name = "Pause" }).ClickAsync();
        await PublishAsync(topic, 0, 4);
        await Expect(page.Locator("#pause")).ToContainTextAsync("4 new");
        await Expect(page.Locator("#rows li")).ToHaveCountAsync(0);
        await page.Locator("#pause").ClickAsync();
        await ShowsAsync(page, 4);
    }

    // 0, 1, 2 … : newest first.
    private static async Task ShowsAsync(IPage page, int count)
    {
        await Expect(page.Locator("#rows li")).ToHaveCountAsync(count);
        var shown = await page.Locator("#rows .data").AllInnerTextsAsync();
        Assert.Equal(Enumerable.Range(0, count).Reverse().Select(n => $$"""{"n":{{n}}}"""), shown);
    }

    private async Task PublishAsync(string topic, int from, int to, bool pause = true)
    {
        for (var n = from; n < to; n++)
        {
            await Api.PublishAsync(topic, new { n });
            if (pause)
                await Task.Delay(20, Cancelled); // a stream, not a burst
        }
    }

    [GeneratedRegex("\"traceparent\": \"00-([0-9a-f]{32})-")]
    private static partial Regex TraceId();
}
