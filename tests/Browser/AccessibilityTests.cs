using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Stack;
using static Microsoft.Playwright.Assertions;

namespace Browser.Tests;

[Collection(SharedPages.Collection)]
public class AccessibilityTests(StackFixture stack, BrowserFixture browser) : PageTests(stack, browser)
{
    private static readonly string[] Wcag = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

    public static TheoryData<string, string, ColorScheme, int> Pages => new(
        from path in (string[])["/", "/connections?filter={topic}", "/events?topic={topic}", "/petstore", "/tasks", "/patterns", "/chat", "/chat?id={answer}", "/agent", "/agent?session={session}", "/load", "/nowhere"]
        from look in ((string, ColorScheme, int)[])[("en-US", ColorScheme.Light, 1280), ("ja-JP", ColorScheme.Dark, 360)]
        select (path, look.Item1, look.Item2, look.Item3));

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task A_page_meets_WCAG_and_fits_its_screen(string path, string language, ColorScheme scheme, int width)
    {
        var topic = Api.Topic();
        await using var stream = await Api.SubscribeAsync(topic);
        path = await PathAsync(path, topic);
        var page = await OpenAsync(path, await ContextAsync(language, scheme, width));
        await FilledAsync(page, path, topic);
        var result = await page.RunAxe(new AxeRunOptions { RunOnly = new RunOnlyOptions { Type = "tag", Values = [.. Wcag] } });
        Assert.True(result.Violations.Length == 0, string.Join('\n', result.Violations.SelectMany(v => v.Nodes.Select(n => $"{v.Id}: {v.Help}: {n.Html}"))));
        Assert.True(await page.EvaluateAsync<bool>("document.scrollingElement.scrollWidth <= innerWidth"), "The page is wider than its screen.");
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/connections?filter={topic}")]
    [InlineData("/events?topic={topic}")]
    [InlineData("/petstore")]
    [InlineData("/tasks")]
    [InlineData("/patterns")]
    [InlineData("/chat")]
    [InlineData("/chat?id={answer}")]
    [InlineData("/agent?session={session}")]
    [InlineData("/load")]
    public async Task By_keyboard_the_content_is_reached_first_and_everything_in_its_order_with_a_visible_focus(string path)
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

        var expected = await page.EvaluateAsync<int>("[...document.querySelectorAll('main :is(a, button, input, textarea, select, summary, [tabindex=\"0\"])')].filter(e => e.checkVisibility() && !e.disabled).length");
        var reached = 0;
        for (; reached <= expected; reached++)
        {
            await page.Keyboard.PressAsync("Tab");
            if (!await page.EvaluateAsync<bool>("document.activeElement !== document.body && document.activeElement.closest('main') !== null")) break;
            Assert.True(await page.EvaluateAsync<bool>("document.activeElement.matches(':focus-visible') && getComputedStyle(document.activeElement).outlineStyle !== 'none'"),
                await page.EvaluateAsync<string>("'No visible focus: ' + document.activeElement.outerHTML"));
        }
        Assert.Equal(expected, reached);
    }

    private async Task<string> PathAsync(string path, string topic) => path.Replace("{topic}", topic, StringComparison.Ordinal)
        .Replace("{answer}", path.Contains("{answer}", StringComparison.Ordinal) ? await Api.AnswerAsync("Is this page for everybody?") : "", StringComparison.Ordinal)
        .Replace("{session}", path.Contains("{session}", StringComparison.Ordinal) ? await Api.SessionAsync("What is 6 * 7, and which cats are there?") : "", StringComparison.Ordinal);

    // Nothing is pressed or clicked: the keyboard's way begins at the top.
    private async Task FilledAsync(IPage page, string path, string topic)
    {
        if (path == "/") await Expect(page.Locator("#replica-rows [data-mode]")).ToHaveCountAsync(2);
        if (path.StartsWith("/connections", StringComparison.Ordinal)) await Expect(page.Locator("#rows [role=row]")).ToHaveCountAsync(1);
        if (path.StartsWith("/events", StringComparison.Ordinal))
        {
            await IsLiveAsync(page);
            await Api.PublishAsync(topic, new { text = "こんにちは" });
            await Expect(page.Locator("#rows li")).ToHaveCountAsync(1);
            await page.Locator("#rows details").EvaluateAsync("details => details.open = true");
        }
        if (path == "/petstore")
        {
            await Expect(page.Locator("#pets [aria-pressed=true]")).ToHaveCountAsync(1);
            await Expect(page.Locator("#scored")).ToContainTextAsync("ms");
        }
        if (path == "/tasks")
        {
            await Api.CreateTaskAsync($"{topic} {path}");
            await Expect(page.Locator(".card", new() { HasText = topic })).ToBeVisibleAsync();
        }
        if (path == "/patterns")
        {
            await Expect(page.Locator("#source")).ToHaveAttributeAsync("data-source", "speaks");
            await Expect(page.Locator("#chart-tokens .legend li")).ToHaveCountAsync(2);
        }
        if (path.StartsWith("/chat", StringComparison.Ordinal) || path.StartsWith("/agent", StringComparison.Ordinal)) await Expect(page.Locator("#model optgroup").First).ToBeAttachedAsync();
        if (path is "/chat" or "/agent") await Expect(page.Locator("#empty")).ToBeVisibleAsync();
        if (path.StartsWith("/chat?", StringComparison.Ordinal)) await Expect(page.Locator("#phase")).ToHaveAttributeAsync("data-phase", "done");
        if (path.StartsWith("/agent?", StringComparison.Ordinal)) await Expect(page.Locator(".turn[data-status=done] .tool[data-state=done]")).ToHaveCountAsync(2);
        if (path == "/load") await Expect(page.Locator("#reports:visible, #no-reports:visible")).ToHaveCountAsync(1);
        // What fades in has its colour only then.
        await page.EvaluateAsync("() => Promise.all(document.getAnimations().filter(a => a.effect.getComputedTiming().iterations !== Infinity).map(a => a.finished))");
    }
}
