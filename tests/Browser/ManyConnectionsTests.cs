using System.Net.Sockets;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

[Collection(ManyConnections.Collection)]
public class ManyConnectionsTests(PagesFixture pages) : PageTests(pages)
{
    [Fact]
    public async Task A_thousand_connections_take_few_nodes_and_are_scrolled_to_the_end()
    {
        const int Count = 1_000;
        var topic = Api.Topic();
        var sockets = await SubscribeManyAsync(topic, Count);
        try
        {
            var page = await OpenOldestFirstAsync(topic, Count);
            await page.Locator("#region").EvaluateAsync("region => region.scrollTop = region.scrollHeight");
            await Expect(page.Locator($"#rows [aria-rowindex='{Count + 1}']")).ToBeVisibleAsync();
            Assert.InRange(await page.EvaluateAsync<int>("document.querySelectorAll('*').length"), 100, 2_000);
        }
        finally
        {
            foreach (var socket in sockets)
                socket.Dispose();
        }
    }

    [Fact]
    public async Task Tab_goes_through_a_long_list_row_by_row_to_its_end_and_back()
    {
        const int Count = 60;
        var topic = Api.Topic();
        var sockets = await SubscribeManyAsync(topic, Count);
        try
        {
            var page = await OpenOldestFirstAsync(topic, Count);

            ILocator Button(int row) => page.Locator($"#rows [aria-rowindex='{row}'] button");

            await Button(2).FocusAsync();

            foreach (var row in Enumerable.Range(3, Count - 1))
                await ReachAsync("Tab", row);

            foreach (var row in Enumerable.Range(2, Count - 1).Reverse())
                await ReachAsync("Shift+Tab", row);

            async Task ReachAsync(string key, int row)
            {
                await Expect(Button(row)).ToBeAttachedAsync(); // the list follows the focus
                await page.Keyboard.PressAsync(key);
                await Expect(Button(row)).ToBeFocusedAsync();
            }
        }
        finally
        {
            foreach (var socket in sockets)
                socket.Dispose();
        }
    }

    private async Task<IReadOnlyList<Socket>> SubscribeManyAsync(string topic, int count) =>
        await Api.SubscribeManyAsync(new Uri((await Api.ReplicasAsync())[0]["url"]!.GetValue<string>()), topic, count);

    private async Task<IPage> OpenOldestFirstAsync(string topic, int count)
    {
        var page = await OpenAsync($"/connections?filter={topic}&sort=age");
        await Expect(page.Locator("#table")).ToHaveAttributeAsync("aria-rowcount", $"{count + 1}");
        return page;
    }
}
