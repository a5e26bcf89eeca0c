using Stack;
using static Microsoft.Playwright.Assertions;

namespace Browser;

[Collection(SharedPages.Collection), Trait("Takes", "long")]
public class KeyboardTests(StackFixture stack, BrowserFixture browser) : FilledPageTests(stack, browser)
{
    public static TheoryData<string> Pages => [.. Paths];

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task The_keyboard_reaches_the_content_first_and_everything_in_order_with_a_visible_focus(string path)
    {
        var topic = Api.Topic();
        await using var stream = await Api.SubscribeAsync(topic);
        path = await PathAsync(path, topic);
        var page = await OpenAsync(path);
        await FilledAsync(page, path, topic);
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.Locator(".skip")).ToBeFocusedAsync();
        await Expect(page.Locator(".skip")).ToBeInViewportAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#content")).ToBeFocusedAsync();

        var expected = await page.EvaluateAsync<int>(
            "[...document.querySelectorAll('main :is(a, button, input, textarea, select, summary, "
                + "[tabindex=\"0\"])')].filter(e => e.checkVisibility() && !e.disabled).length"
        );
        var reached = 0;
        for (; reached <= expected; reached++)
        {
            await page.Keyboard.PressAsync("Tab");
            if (
                !await page.EvaluateAsync<bool>(
                    "document.activeElement !== document.body && document.activeElement.closest('main') !== null"
                )
            )
                break;
            Assert.True(
                await page.EvaluateAsync<bool>(
                    "document.activeElement.matches(':focus-visible') && "
                        + "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
                ),
                await page.EvaluateAsync<string>("'No visible focus: ' + document.activeElement.outerHTML")
            );
        }
        Assert.Equal(expected, reached);
    }
}
