using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

public abstract class FilledPageTests(PagesFixture pages) : PageTests(pages)
{
    /// <summary>The path of each page. AccessibilityTests visit them all.</summary>
    protected static readonly string[] Paths =
    [
        "/",
        "/connections?filter={topic}",
        "/events?topic={topic}",
        "/petstore",
        "/tasks",
        "/patterns",
        "/chat",
        "/chat?id={answer}",
        "/agent",
        "/agent?session={session}",
        "/load",
    ];

    /// <param name="path">With places for what the page is to show: a topic, an answer, a session.</param>
    protected async Task<string> PathAsync(string path, string topic) =>
        path.Replace("{topic}", topic, StringComparison.Ordinal)
            .Replace(
                "{answer}",
                path.Contains("{answer}", StringComparison.Ordinal)
                    ? await Api.AnswerAsync("Is this page for everybody?")
                    : "",
                StringComparison.Ordinal
            )
            .Replace(
                "{session}",
                path.Contains("{session}", StringComparison.Ordinal)
                    ? await Api.SessionAsync("What is 6 * 7, and which cats are there?")
                    : "",
                StringComparison.Ordinal
            );

    protected async Task FilledAsync(IPage page, string path, string topic)
    {
        if (path == "/")
            await Expect(page.Locator("#replica-rows [data-mode]").Nth(1)).ToBeVisibleAsync();
        if (path.StartsWith("/connections", StringComparison.Ordinal))
            await Expect(page.Locator("#rows [role=row]")).ToHaveCountAsync(1);

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
            // Any card: those of other tests may be newer.
            await Expect(page.Locator(".card").First).ToBeVisibleAsync();
        }

        if (path == "/patterns")
        {
            await Expect(page.Locator("#source")).ToHaveAttributeAsync("data-source", "speaks");
            await Expect(page.Locator("#chart-tokens .legend li")).ToHaveCountAsync(2);
        }

        if (path.StartsWith("/chat", StringComparison.Ordinal) || path.StartsWith("/agent", StringComparison.Ordinal))
            await Expect(page.Locator("#model optgroup").First).ToBeAttachedAsync();
        if (path is "/chat" or "/agent")
            await Expect(page.Locator("#empty")).ToBeVisibleAsync();
        if (path.StartsWith("/chat?", StringComparison.Ordinal))
            await Expect(page.Locator("#phase")).ToHaveAttributeAsync("data-phase", "done");
        if (path.StartsWith("/agent?", StringComparison.Ordinal))
            await Expect(page.Locator(".turn[data-status=done] .tool[data-state=done]")).ToHaveCountAsync(2);
        if (path == "/load")
            await Expect(page.Locator("#reports:visible, #no-reports:visible")).ToHaveCountAsync(1);

        // Elements that fade in have their final colour only then; an element that another test removes never does.
        await page.EvaluateAsync(
            "() => Promise.allSettled(document.getAnimations().filter(a => "
                + "a.effect.getComputedTiming().iterations !== Infinity).map(a => a.finished))"
        );
    }
}
