using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

public partial class PetstorePageTests(PagesFixture pages) : PageTests(pages)
{
    [Fact]
    public async Task An_order_is_followed_to_its_end_across_a_reload_and_lowers_the_stock_on_every_page()
    {
        var other = await OpenLiveAsync("/petstore", await ContextAsync("ja-JP", ColorScheme.Dark));
        var page = await OpenLiveAsync("/petstore");
        // Records the steps as they become the current one: the first may end before the test looks.
        await page.EvaluateAsync(
            """
            window.current = [];
            new MutationObserver(changes => changes.forEach(({ oldValue, target }) => {
              if (oldValue === null) current.push(target.querySelector('.step').textContent);
            })).observe(document.getElementById('orders'),
              { subtree: true, attributeFilter: ['aria-current'], attributeOldValue: true });
            """
        );

        var pet = (await Api.PetsAsync())[0];
        var (id, name, stock) = (
            pet["id"]!.GetValue<string>(),
            pet["name"]!.GetValue<string>(),
            pet["stock"]!.GetValue<int>()
        );
        await page.Locator($"[data-pet='{id}']").ClickAsync();
        await page.Locator("#quantity").FillAsync("2");
        await page.GetByRole(AriaRole.Button, new() { Name = "Place the order" }).ClickAsync();

        var order = page.Locator("#orders > li");
        // A function: Playwright evaluates an expression again and again, which the page's policy forbids.
        await page.WaitForFunctionAsync("() => current.length > 0");
        Assert.StartsWith("Payment", await page.EvaluateAsync<string>("current[0]"), StringComparison.Ordinal);

        foreach (var shop in (IPage[])[page, other])
        {
            await Expect(shop.Locator($"[data-pet='{id}'] .stock")).ToContainTextAsync($"{stock - 2}");
            await Expect(shop.Locator("#changes li").First).ToContainTextAsync(name);
        }

        await Expect(order.Locator("[data-state=done]")).Not.ToHaveCountAsync(0);
        await page.ReloadAsync();
        await Expect(order).ToHaveCountAsync(1);
        await Expect(order).ToHaveAttributeAsync("data-status", "shipped");
        await Expect(order.Locator("[data-state=done]")).ToHaveCountAsync(4);
        await Expect(order.Locator(".tracking")).ToHaveTextAsync(TrackingNumber());

        await page.ReloadAsync(); // a shipped order still has all its steps
        await Expect(order.Locator("[data-state=done]")).ToHaveCountAsync(4);
        await Expect(order.Locator(".steps time").Last).Not.ToBeEmptyAsync();
    }

    [Fact]
    public async Task One_intention_is_one_order_and_all_tabs_keep_the_orders_of_all()
    {
        var context = await ContextAsync();
        var (page, tab) = (await OpenLiveAsync("/petstore", context), await OpenLiveAsync("/petstore", context));
        var keys = new List<string>();

        await page.RouteAsync(
            "**/v1/orders",
            async route =>
            {
                bool isFirst;
                lock (keys)
                {
                    isFirst = keys.Count == 0;
                    keys.Add(route.Request.Headers["idempotency-key"]);
                }

                var response = await route.FetchAsync();
                // The answer of the first is lost on its way.
                await (isFirst ? route.AbortAsync() : route.FulfillAsync(new() { Response = response }));
            }
        );

        var pet = (await Api.PetsAsync())[2];

        foreach (var shop in (IPage[])[page, tab])
            await shop.Locator($"[data-pet='{pet["id"]}']").ClickAsync();

        await Place(page).DblClickAsync();
        await Expect(page.Locator("#order-result")).ToHaveClassAsync("bad");
        await Place(page).DblClickAsync();
        await Expect(page.Locator("#orders > li")).ToHaveCountAsync(1);
        Assert.Equal(2, keys.Count);
        Assert.Single(keys.Distinct());
        Assert.Equal(
            pet["stock"]!.GetValue<int>() - 1,
            (await Api.PetsAsync()).Single(p => $"{p["id"]}" == $"{pet["id"]}")["stock"]!.GetValue<int>()
        );

        await Expect(tab.Locator("#orders > li")).ToHaveCountAsync(1);
        await Place(tab).ClickAsync();

        foreach (var shop in (IPage[])[page, tab])
        {
            await Expect(shop.Locator("#orders > li")).ToHaveCountAsync(2);
            await shop.ReloadAsync();
            await Expect(shop.Locator("#orders > li")).ToHaveCountAsync(2);
        }

        static ILocator Place(IPage page) => page.GetByRole(AriaRole.Button, new() { Name = "Place the order" });
    }

    [Fact]
    public async Task Recommendations_appear_one_by_one_with_the_best_on_top()
    {
        // For a buyer of the cheapest pet, better matches are scored later.
        var cheapest = (await Api.PetsAsync()).MinBy(p => p["price"]!.GetValue<decimal>())!;
        await Api.OrderAsync(cheapest["id"]!.GetValue<string>(), "user-123");
        var page = await OpenAsync("/petstore");

        await page.EvaluateAsync(
            """
            window.seen = [];
            new MutationObserver((changes) => {
              for (const { addedNodes, removedNodes } of changes)
                if (removedNodes.length > 0) seen = []; // those of the customer before
                else seen.push(addedNodes.length);
            }).observe(document.getElementById('recommendations'), { childList: true });
            """
        );
        await page.Locator("#customer").SelectOptionAsync("user-123");
        await Expect(page.Locator("#recommended-for")).ToContainTextAsync("user-123");
        await Expect(page.Locator("#scored")).ToHaveTextAsync(Scored());

        var scores = await page.Locator("#recommendations .score").AllInnerTextsAsync();
        Assert.True(scores.Distinct().Count() > 2, string.Join(' ', scores));
        Assert.Equal(scores.OrderDescending(StringComparer.Ordinal), scores);
        // A change of the list for each of them, however many a busy browser reads together.
        Assert.Equal(Enumerable.Repeat(1, scores.Count), await page.EvaluateAsync<int[]>("seen"));
    }

    [Fact]
    public async Task A_change_of_price_is_shown_where_it_stands_and_in_the_ticker()
    {
        var pet = (await Api.PetsAsync())[1];
        var id = pet["id"]!.GetValue<string>();
        var page = await OpenLiveAsync("/petstore");

        await Expect(page.Locator($"[data-pet='{id}']")).ToBeVisibleAsync();
        await Api.ChangePetAsync(id, new { price = 1234.5m });
        await Expect(page.Locator($"[data-pet='{id}'] .price")).ToHaveTextAsync("$1,234.50");
        await Expect(page.Locator("#changes li").First).ToContainTextAsync("1,234.50");
        await Api.ChangePetAsync(id, new { price = pet["price"]!.GetValue<decimal>() });
    }

    [Fact]
    public async Task More_than_there_is_cannot_be_ordered_and_the_field_says_so()
    {
        var page = await OpenAsync("/petstore");
        await page.Locator("[data-pet]").First.ClickAsync();
        await page.Locator("#quantity").FillAsync("0");
        await page.GetByRole(AriaRole.Button, new() { Name = "Place the order" }).ClickAsync();
        await Expect(page.Locator("#quantity-error")).ToContainTextAsync("from 1");
        await page.Locator("#quantity").FillAsync("999");
        await page.GetByRole(AriaRole.Button, new() { Name = "Place the order" }).ClickAsync();
        await Expect(page.Locator("#quantity-error")).ToContainTextAsync("in stock");
        await Expect(page.Locator("#orders > li")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_shop_that_was_hidden_for_long_reads_its_state_and_replays_no_change()
    {
        var pet = (await Api.PetsAsync())[^1]["id"]!.GetValue<string>();
        var page = await OpenLiveAsync("/petstore", await ClockedAsync());
        await HideAsync(page);
        await Expect(page.Locator("#state")).ToHaveAttributeAsync("data-state", "paused");
        await page.Clock.FastForwardAsync("02:00");

        var before = (await Api.ReplicasAsync())[0]["head"]!.GetValue<string>();

        foreach (var price in (decimal[])[901, 902, 903])
            await Api.ChangePetAsync(pet, new { price });

        // A stream may repeat a change that the state contains while it waits in the outbox.
        await Api.LoggedAsync("petstore.inventory", before, "\"newPrice\":903");

        await ShowAsync(page);
        await Expect(page.Locator($"[data-pet='{pet}'] .price")).ToContainTextAsync("903");
        await IsLiveAsync(page);
        await Expect(page.Locator("#changes li", new() { HasText = "902" })).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task The_stream_of_changes_starts_at_the_position_of_the_pets_that_are_shown()
    {
        var page = await (await ContextAsync()).NewPageAsync();
        var pets = page.WaitForResponseAsync("**/v1/pets");
        var changes = page.WaitForRequestAsync("**/v1/inventory/stream");

        await page.GotoAsync(new Uri(Frontend, "/petstore").ToString());
        var position = await (await pets).HeaderValueAsync("X-Sse-Position");
        Assert.NotNull(position);
        Assert.Equal(position, await (await changes).HeaderValueAsync("Last-Event-ID"));
    }

    [GeneratedRegex("1Z[0-9A-Z]{16}$")]
    private static partial Regex TrackingNumber();

    [GeneratedRegex(@"^\d+ scored in [\d,]+ ms$")]
    private static partial Regex Scored();
}
