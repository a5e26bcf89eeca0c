using Deque.AxeCore.Commons;
using Microsoft.Playwright;

namespace Browser;

public class AccessibilityTests(PagesFixture pages) : FilledPageTests(pages)
{
    private static readonly string[] Wcag = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

    // Run in the page instead of by the package's RunAxe, which opens another page to collect the results of frames.
    private static readonly string Axe = new BundledAxeScriptProvider().GetScript();

    public static TheoryData<string, string, ColorScheme, int> Pages =>
        new(
            from path in (string[])[.. Paths, "/nowhere"]
            from look in ((string, ColorScheme, int)[])
                [("en-US", ColorScheme.Light, 1280), ("ja-JP", ColorScheme.Dark, 360)]
            select (path, look.Item1, look.Item2, look.Item3)
        );

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task A_page_meets_WCAG_and_fits_its_screen(string path, string language, ColorScheme scheme, int width)
    {
        var topic = Api.Topic();
        await using var stream = await Api.SubscribeAsync(topic);
        path = await PathAsync(path, topic);
        var page = await OpenAsync(path, await ContextAsync(language, scheme, width));
        // Elements that other tests add meanwhile have their final colour at once.
        await page.EmulateMediaAsync(new() { ReducedMotion = ReducedMotion.Reduce });
        await FilledAsync(page, path, topic);

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
}
