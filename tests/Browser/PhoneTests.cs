using Microsoft.Playwright;
using Stack;
using static Microsoft.Playwright.Assertions;

namespace Browser;

public class PhoneTests(StackFixture stack, BrowserFixture browser) : PageTests(stack, browser)
{
    private const int Width = 390,
        Height = 844;

    [Fact]
    public async Task The_navigation_is_one_row_with_the_current_page_visible_and_events_begin_above_the_fold()
    {
        var page = await OpenAsync("/events", await PhoneAsync());
        var nav = page.Locator("header nav").First;
        Assert.InRange((await nav.BoundingBoxAsync())!.Height, 20, 60);
        Assert.InRange((await page.Locator(".stream").BoundingBoxAsync())!.Y, 0, Height / 2);

        var last = await OpenAsync("/load", await PhoneAsync());
        await Expect(last.Locator("header nav .active")).ToBeInViewportAsync();
        Assert.InRange(await RightOf(last.Locator("header nav .active")), 0, Width);
    }

    [Fact]
    public async Task The_composer_covers_neither_the_examples_nor_the_buttons_of_a_stopped_answer()
    {
        var page = await OpenAsync("/chat", await PhoneAsync());
        await Expect(page.Locator(".examples button").Last).ToBeVisibleAsync();
        Assert.True(
            await BottomOf(page.Locator(".examples")) <= await TopOf(page.Locator("#ask")),
            "The examples are under the composer."
        );

        await page.Locator(".examples button").Nth(1).ClickAsync();
        await Expect(page.Locator(".turn .text")).ToContainTextAsync("You asked");
        await page.Locator("#stop").ClickAsync();
        var again = page.GetByRole(AriaRole.Button, new() { Name = "Ask again" });
        await Expect(again).ToBeInViewportAsync();
        await page.WaitForFunctionAsync(
            "() => document.querySelector('.outcome .button').getBoundingClientRect().bottom <= "
                + "document.getElementById('ask').getBoundingClientRect().top"
        );
    }

    private Task<IBrowserContext> PhoneAsync() => ContextAsync(width: Width, height: Height);

    private static async Task<float> TopOf(ILocator locator) => (await locator.BoundingBoxAsync())!.Y;

    private static async Task<float> BottomOf(ILocator locator) =>
        await TopOf(locator) + (await locator.BoundingBoxAsync())!.Height;

    private static async Task<float> RightOf(ILocator locator) =>
        (await locator.BoundingBoxAsync()) is { } box ? box.X + box.Width : -1;
}
