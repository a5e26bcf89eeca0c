using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Stack;

namespace Browser;

[Collection(SharedPages.Collection)]
public class AccessibilityTests(StackFixture stack, BrowserFixture browser) : FilledPageTests(stack, browser)
{
    private static readonly string[] Wcag = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

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
        await FilledAsync(page, path, topic);
        var result = await page.RunAxe(
            new AxeRunOptions
            {
                RunOnly = new RunOnlyOptions { Type = "tag", Values = [.. Wcag] },
            }
        );
        Assert.True(
            result.Violations.Length == 0,
            string.Join('\n', result.Violations.SelectMany(v => v.Nodes.Select(n => $"{v.Id}: {v.Help}: {n.Html}")))
        );
        Assert.True(
            await page.EvaluateAsync<bool>("document.scrollingElement.scrollWidth <= innerWidth"),
            "The page is wider than its screen."
        );
    }
}
