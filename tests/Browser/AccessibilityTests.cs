using System.Text.Json;
using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

/// <summary>Every page in both languages, light and dark, wide and on a phone: four looks, in which each pair of a
/// language, a scheme and a width occurs. Each load serves all its checks.</summary>
[Collection(TaskBoard.Collection)]
[Trait("Takes", "long")]
public partial class AccessibilityTests(PagesFixture pages) : FilledPageTests(pages)
{
    private const int Desktop = 1_280,
        Phone = 390,
        Narrowest = 360;

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

    // The visible title of each chart, which its `aria-labelledby` names: the text before `small`, and that in it.
    private const string Charts = """
        () => [...document.querySelectorAll('.chart, main canvas:not(.chart *)')]
          .filter((chart) => chart.checkVisibility())
          .map((chart) => {
            const title = document.getElementById(chart.getAttribute('aria-labelledby')?.split(' ')[0]);
            const shown = (node) => (node?.checkVisibility() ? node.textContent.trim() : '');
            const measure = shown(title?.querySelector('small'));
            return {
              html: chart.outerHTML.slice(0, 200),
              quantity: shown(title).slice(0, measure === '' ? undefined : -measure.length).trim(),
              measure,
            };
          })
        """;

    public static TheoryData<string> Pages => [.. Paths, "/sign-in", "/nowhere"];

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task A_page_moves_nothing_names_its_charts_meets_WCAG_fits_and_is_reached_by_keyboard_in_order(
        string path
    )
    {
        var page = await OpenFilledAsync(path, await ContextAsync(width: Phone));
        await SuitsAsync(page, (Phone, ColorScheme.Light), (Desktop, ColorScheme.Dark));
        await IsReachedAsync(page);
        await NamesItsChartsAsync(page, Last());
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task In_Japanese_a_page_moves_nothing_names_its_charts_meets_WCAG_and_fits(string path)
    {
        var page = await OpenFilledAsync(path, await ContextAsync("ja-JP", width: Desktop));
        await SuitsAsync(page, (Phone, ColorScheme.Dark), (Desktop, ColorScheme.Light));
        await NamesItsChartsAsync(page, Latest());
    }

    private async Task<IPage> OpenFilledAsync(string path, IBrowserContext context)
    {
        var topic = Api.Topic();
        await using var stream = await Api.SubscribeAsync(topic);
        path = await PathAsync(path, topic);

        await LayoutShifts.RecordAsync(context);
        var page = await OpenAsync(path, context);
        await FilledAsync(page, path, topic);
        if (path is not ("/load" or "/tasks")) // LayoutShiftTests load these where no other test changes them
            await LayoutShifts.AreSmallAsync(page);

        // Elements that other tests add meanwhile have their final colour at once.
        await page.EmulateMediaAsync(new() { ReducedMotion = ReducedMotion.Reduce });
        await page.EvaluateAsync(Axe);

        return page;
    }

    /// <summary>The title above a chart, which is also its accessible name, says its quantity, and its unit and time in
    /// small print.</summary>
    private static async Task NamesItsChartsAsync(IPage page, Regex time)
    {
        // Of a load test, whether one runs or not.
        await page.EvaluateAsync("() => document.querySelector('#run')?.removeAttribute('hidden')");

        var charts = (await page.EvaluateAsync<JsonElement?>(Charts))!.Value.EnumerateArray().ToList();
        foreach (var chart in charts)
        {
            var (quantity, measure) = (Said("quantity"), Said("measure"));
            Assert.True(quantity != "" && time.IsMatch(measure), $"'{quantity}', '{measure}' of {Said("html")}");
            // Not its whole measure, which may say a peak: of the events that arrive meanwhile.
            var name = new Regex($"{Regex.Escape(quantity)} .*{time.Match(measure).Value}");
            await Expect(page.GetByRole(AriaRole.Img, new() { NameRegex = name })).ToHaveCountAsync(1);

            string Said(string name) => chart.GetProperty(name).GetString()!;
        }
    }

    private static async Task SuitsAsync(IPage page, params (int Width, ColorScheme Scheme)[] looks)
    {
        await FitsAsync(page, Narrowest);

        foreach (var (width, scheme) in looks)
        {
            await FitsAsync(page, width);
            await page.EmulateMediaAsync(new() { ColorScheme = scheme });
            await MeetsWcagAsync(page, $"{width} px, {scheme}");
        }
    }

    private static async Task MeetsWcagAsync(IPage page, string look)
    {
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
        Assert.True(violations.Length == 0, $"{look}:\n{string.Join('\n', violations)}");
    }

    private static async Task FitsAsync(IPage page, int width)
    {
        await page.SetViewportSizeAsync(width, 900);
        // Charts get their new width with the next frame.
        await page.EvaluateAsync("() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))");
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

    [GeneratedRegex(@"\blast \d+ (s|min)\b|\bsince\b")]
    private static partial Regex Last();

    [GeneratedRegex(@"直近 \d+ (秒|分)間|以降")]
    private static partial Regex Latest();
}
