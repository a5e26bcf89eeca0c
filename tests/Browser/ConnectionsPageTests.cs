using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

[Collection(SharedPages.Collection)]
public class ConnectionsPageTests(PagesFixture pages) : PageTests(pages)
{
    [Fact]
    public async Task An_open_stream_is_listed_with_its_deliveries_and_can_be_closed()
    {
        var topic = Api.Topic();
        await using var stream = await Api.SubscribeAsync(topic);
        var page = await OpenAsync("/connections");

        await page.Locator("#filter").FillAsync(topic);
        var row = page.Locator("#rows [role=row]");
        await Expect(row).ToHaveCountAsync(1);
        await Expect(row.Locator(".topics")).ToHaveTextAsync(topic);

        for (var n = 0; n < 3; n++)
            await Api.PublishAsync(topic, new { n });

        await Expect(row.Locator(".delivered")).ToHaveTextAsync("3");
        await Expect(row.Locator(".p99")).Not.ToHaveTextAsync("–");

        await row.GetByRole(AriaRole.Button).ClickAsync();
        await Expect(page.Locator("#confirm-text")).ToContainTextAsync(topic);
        await page.Locator("#confirm").GetByRole(AriaRole.Button, new() { Name = "Close" }).ClickAsync();
        // ends: the server closed it
        await stream.WaitForEndAsync();
        await Expect(row).ToHaveCountAsync(0);
        await Expect(page.Locator("#said")).ToContainTextAsync("was closed");
    }

    [Fact]
    public async Task The_dialog_is_left_with_Escape_and_closes_nothing()
    {
        var topic = Api.Topic();
        await using var stream = await Api.SubscribeAsync(topic);
        var page = await OpenAsync($"/connections?filter={topic}");
        var close = page.Locator("#rows").GetByRole(AriaRole.Button);

        await close.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#confirm")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator("#confirm")).ToBeHiddenAsync();
        await Expect(close).ToBeFocusedAsync();
        Assert.Single(await Api.ConnectionsAsync(topic));
    }

    [Fact]
    public async Task On_a_narrow_screen_a_name_stands_beside_each_value_and_the_lag_is_shown()
    {
        var topic = Api.Topic();
        await using var stream = await Api.SubscribeAsync(topic);
        var page = await OpenAsync($"/connections?filter={topic}", await ContextAsync(width: 640));

        await Expect(page.Locator("#rows .lag")).ToBeVisibleAsync();
        await Expect(page.Locator("#rows .replica")).ToBeVisibleAsync();
        Assert.Contains(
            "Lag",
            await page.Locator("#rows .lag")
                .EvaluateAsync<string>("cell => getComputedStyle(cell, '::before').content"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_filter_applies_while_the_pointer_rests_on_the_rows()
    {
        var (first, second) = (Api.Topic(), Api.Topic());
        await using var one = await Api.SubscribeAsync(first);
        await using var other = await Api.SubscribeAsync(second);
        var page = await OpenAsync($"/connections?filter={first}");
        var topics = page.Locator("#rows .topics");

        await Expect(topics).ToHaveTextAsync(first);
        await topics.HoverAsync();
        await page.Locator("#filter").FillAsync(second);
        await Expect(topics).ToHaveTextAsync(second);
    }

    [Fact]
    public async Task New_rows_appear_after_the_focused_one_has_gone()
    {
        var topic = Api.Topic();
        var context = await ContextAsync();
        // Some browsers send no event when the focused element is removed.
        await context.AddInitScriptAsync("addEventListener('focusout', lost => lost.stopImmediatePropagation(), true)");

        var page = await OpenAsync($"/connections?filter={topic}", context);
        var row = page.Locator("#rows [role=row]");
        await using var first = await Api.SubscribeAsync(topic);

        await Expect(row).ToHaveCountAsync(1);
        await row.GetByRole(AriaRole.Button).FocusAsync();
        await Api.CloseAsync(topic);
        await Expect(row).ToHaveCountAsync(0);

        await using var second = await Api.SubscribeAsync(topic);
        await Expect(row).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task A_column_header_sorts_and_the_address_remembers_it()
    {
        var page = await OpenAsync("/connections");
        var header = page.GetByRole(AriaRole.Columnheader, new() { Name = "Delivered" });
        await header.GetByRole(AriaRole.Button).ClickAsync();
        await Expect(header).ToHaveAttributeAsync("aria-sort", "descending");
        await header.GetByRole(AriaRole.Button).ClickAsync();
        await Expect(header).ToHaveAttributeAsync("aria-sort", "ascending");
        await page.ReloadAsync();
        await Expect(header).ToHaveAttributeAsync("aria-sort", "ascending");
    }
}
