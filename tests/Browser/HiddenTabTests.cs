using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

/// <summary>Over HTTP/1.1 a browser has six connections to an origin: hidden tabs must not keep them.</summary>
[Trait("Takes", "long")]
public class HiddenTabTests(PagesFixture pages) : PageTests(pages)
{
    private const int Six = 6;

    [Fact]
    public async Task Six_hidden_tabs_leave_room_for_the_seventh_and_resume_without_a_gap_when_shown()
    {
        var context = await ClockedAsync();
        var topics = Enumerable.Range(0, Six + 1).Select(_ => Api.Topic()).ToArray();
        var tabs = new List<IPage>();
        // The sixth tab's requests would find no free connection, so each tab is hidden before the next one opens.
        foreach (var topic in topics[..Six])
        {
            var tab = await OpenLiveAsync($"/events?topic={topic}", context);
            await Api.PublishAsync(topic, new { n = 0 });
            await Expect(tab.Locator("#rows li")).ToHaveCountAsync(1);
            await HideAsync(tab);
            tabs.Add(tab);
        }

        var seventh = await OpenLiveAsync($"/events?topic={topics[^1]}", context);

        foreach (var topic in topics[..Six])
            await GoneAsync(topic);

        foreach (var topic in topics)
            await Api.PublishAsync(topic, new { n = 1 });

        await Expect(seventh.Locator("#rows li")).ToHaveCountAsync(1);
        await ShowAsync(tabs[0]);
        await Expect(tabs[0].Locator("#rows li")).ToHaveCountAsync(2);
        await IsLiveAsync(tabs[0]);
        Assert.Equal(["""{"n":1}""", """{"n":0}"""], await tabs[0].Locator("#rows .data").AllInnerTextsAsync());
    }

    [Fact]
    public async Task A_hidden_leader_hands_its_connection_over_and_with_all_hidden_there_is_none()
    {
        var topic = Api.Topic();
        var context = await ClockedAsync();
        var first = await OpenLiveAsync($"/events?topic={topic}", context);
        var second = await OpenLiveAsync($"/events?topic={topic}", context);
        var before = await TheOneAsync(topic);

        await HideAsync(first);
        await Eventually.HoldsAsync(async () =>
            await Api.ConnectionsAsync(topic) is [var now] && now["id"]!.GetValue<string>() != before
        ); // another one: the second tab's
        await Api.PublishAsync(topic, new { n = 0 });

        foreach (var tab in (IPage[])[first, second])
            await Expect(tab.Locator("#rows li")).ToHaveCountAsync(1); // the hidden tab continues to receive

        await HideAsync(second);
        await GoneAsync(topic);
        await Api.PublishAsync(topic, new { n = 1 });
        await ShowAsync(first);

        foreach (var tab in (IPage[])[first, second])
        {
            await Expect(tab.Locator("#rows li")).ToHaveCountAsync(2);
            Assert.Equal(["""{"n":1}""", """{"n":0}"""], await tab.Locator("#rows .data").AllInnerTextsAsync());
        }

        await TheOneAsync(topic);
    }

    private async Task<string> TheOneAsync(string topic) =>
        Assert.Single(await Api.ConnectionsAsync(topic))["id"]!.GetValue<string>();

    private Task GoneAsync(string topic) =>
        Eventually.HoldsAsync(async () => (await Api.ConnectionsAsync(topic)).Count == 0);
}
