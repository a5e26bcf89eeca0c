using System.Text.Json;
using static Microsoft.Playwright.Assertions;

namespace Browser;

[Collection(TaskBoard.Collection)]
public class KeyboardTests(PagesFixture pages) : FilledPageTests(pages)
{
    // Returns the number of controls, and from now on records which of them get the focus.
    private const string Begin = """
        () => {
          window.walk?.listening.abort();
          const controls = () =>
            [...document.querySelectorAll('main :is(a, button, input, textarea, select, summary, [tabindex="0"])')]
              .filter((control) => control.checkVisibility() && !control.disabled);
          window.walk = { controls, expected: controls(), reached: [], unseen: [], listening: new AbortController() };
          const focused = ({ target }) => {
            if (!target.closest('main')) return;
            walk.reached.push(target);
            if (!target.matches(':focus-visible') || getComputedStyle(target).outlineStyle === 'none')
              walk.unseen.push(target.outerHTML);
          };
          addEventListener('focusin', focused, { signal: walk.listening.signal });
          return walk.expected.length;
        }
        """;

    private const string End = """
        () => {
          const now = walk.controls();
          const html = (controls) => controls.map((control) => control.outerHTML);
          return {
            same: now.length === walk.expected.length && now.every((control, i) => control === walk.expected[i]),
            expected: html(walk.expected),
            reached: html(walk.reached),
            unseen: walk.unseen,
          };
        }
        """;

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

        // Again if the page changed meanwhile: it shows also what other tests do.
        JsonElement walk = default;
        await UntilAsync(async () =>
        {
            await page.Locator("#content").FocusAsync();
            var controls = await page.EvaluateAsync<int>(Begin);
            for (var n = 0; n <= controls; n++)
                await page.Keyboard.PressAsync("Tab");
            walk = (await page.EvaluateAsync<JsonElement?>(End))!.Value;
            return walk.GetProperty("same").GetBoolean();
        });
        Assert.True(Controls("unseen") == "", $"No visible focus:\n{Controls("unseen")}");
        Assert.Equal(Controls("expected"), Controls("reached"));

        string Controls(string name) => string.Join('\n', walk.GetProperty(name).EnumerateArray());
    }
}
