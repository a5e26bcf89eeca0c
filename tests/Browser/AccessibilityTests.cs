using System.Text.Json;
using Deque.AxeCore.Commons;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

/// <summary>Every page, in two looks. Each load serves all its checks.</summary>
[Collection(TaskBoard.Collection)]
public class AccessibilityTests(PagesFixture pages) : FilledPageTests(pages)
{
    private static readonly string[] Wcag = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

    // Run in the page instead of by the package's RunAxe, which opens another page to collect the results of frames.
    private static readonly string Axe = new BundledAxeScriptProvider().GetScript();

    // Returns the number of controls, and from now on records which of them get the focus.
    private const string Begin = """
        () => {
          window.walk?.listening.abort();
          const controls = () =>
            [...document.querySelectorAll('main :is(a, button, input, textarea, select, summary, [tabindex="0"])')]
              .filter((control) => control.checkVisibility({ visibilityProperty: true }) && !control.disabled);
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

    public static TheoryData<string> Pages => [.. Paths, "/nowhere"];

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task A_page_meets_WCAG_fits_its_screen_and_is_reached_by_keyboard_in_order_with_a_visible_focus(
        string path
    )
    {
        var page = await OpenFilledAsync(path, await ContextAsync());
        await MeetsWcagAsync(page);
        await FitsAsync(page);
        await IsReachedAsync(page);
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task In_Japanese_and_dark_a_page_meets_WCAG_and_fits_a_narrow_screen(string path)
    {
        var page = await OpenFilledAsync(path, await ContextAsync("ja-JP", ColorScheme.Dark, width: 360));
        await MeetsWcagAsync(page);
        await FitsAsync(page);
    }

    private async Task<IPage> OpenFilledAsync(string path, IBrowserContext context)
    {
        var topic = Api.Topic();
        await using var stream = await Api.SubscribeAsync(topic);
        path = await PathAsync(path, topic);

        var page = await OpenAsync(path, context);
        // Elements that other tests add meanwhile have their final colour at once.
        await page.EmulateMediaAsync(new() { ReducedMotion = ReducedMotion.Reduce });
        await FilledAsync(page, path, topic);

        return page;
    }

    private static async Task MeetsWcagAsync(IPage page)
    {
        await page.EvaluateAsync(Axe);
        // The elements that pass are of no interest, and describing them takes longest.
        var violations = await page.EvaluateAsync<string[]>(
            """
            async (values) => {
              const options = { runOnly: { type: 'tag', values }, resultTypes: ['violations'] };
              const { violations } = await axe.run(document, options);
              return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
            }
            """,
            Wcag
        );
        Assert.True(violations.Length == 0, string.Join('\n', violations));
    }

    private static async Task FitsAsync(IPage page)
    {
        var wide = await page.EvaluateAsync<string[]>(
            """
            () => {
              const { scrollWidth } = document.scrollingElement;
              if (scrollWidth <= innerWidth) return [];
              const beyond = [...document.querySelectorAll('body *')]
                .filter((element) => element.getBoundingClientRect().right > innerWidth)
                .map((element) => element.outerHTML.slice(0, 300));
              return [`${scrollWidth} > ${innerWidth}`, ...beyond];
            }
            """
        );
        Assert.True(wide.Length == 0, "The page is wider than its screen:\n" + string.Join('\n', wide));
    }

    /// <summary>The keyboard reaches the content first. Nothing was pressed or clicked, so Tab begins at the
    /// top.</summary>
    private static async Task IsReachedAsync(IPage page)
    {
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.Locator(".skip")).ToBeFocusedAsync();
        await Expect(page.Locator(".skip")).ToBeInViewportAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#content")).ToBeFocusedAsync();

        // Again if the page changed meanwhile: it shows also what other tests do.
        JsonElement walk = default;
        await Eventually.HoldsAsync(async () =>
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
