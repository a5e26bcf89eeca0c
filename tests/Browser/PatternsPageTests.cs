using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

[Trait("Takes", "long")]
public partial class PatternsPageTests(PagesFixture pages) : PageTests(pages)
{
    [Fact]
    public async Task A_broken_source_is_retried_with_a_growing_retry_and_given_up_after_three()
    {
        var page = await OpenAsync("/patterns");
        await SpeaksAsync(page);
        await RecordAsync(page.Locator("#source"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Break the source" }).ClickAsync();
        await Expect(page.Locator("#break")).ToHaveAttributeAsync("aria-pressed", "true");
        await HasShownAsync(page, "Fails: retry 3");
        await Expect(page.Locator("#retry")).ToHaveTextAsync("1.0 s");
        await Expect(page.Locator("#source")).ToHaveAttributeAsync("data-source", "fatal");
        Assert.Equal(
            ["retry: 250", "retry: 500", "retry: 1000"],
            (await page.Locator("#wire .retry").AllInnerTextsAsync()).Select(t => t.Trim()).TakeLast(3)
        );
        await Expect(page.Locator("#wire .bad").Last).ToContainTextAsync("event: error");

        // A client that resumes with the last id gets 204.
        await Expect(page.Locator("#wire")).ToContainTextAsync("< 204");
        await Expect(page.Locator("#state")).ToHaveAttributeAsync("data-state", "closed");
        await Expect(page.Locator("#reason")).ToContainTextAsync("nothing more");

        await page.GetByRole(AriaRole.Button, new() { Name = "Repair and restart" }).ClickAsync();
        await SpeaksAsync(page);
        await Expect(page.Locator("#break")).ToHaveAttributeAsync("aria-pressed", "false");
    }

    [Fact]
    public async Task The_reason_of_a_stop_covers_neither_what_gave_up_nor_a_button()
    {
        var page = await OpenAsync("/patterns");
        await SpeaksAsync(page);
        await page.Locator("#break").ClickAsync();
        await Expect(page.Locator("#source-said")).ToContainTextAsync("Given up");
        await Expect(page.Locator("#reason")).ToContainTextAsync("nothing more");

        foreach (var width in (int[])[390, 1_024, 1_280])
        {
            await page.SetViewportSizeAsync(width, 900);
            await CoversNothingAsync(page);
        }
    }

    private static async Task CoversNothingAsync(IPage page)
    {
        var covered = await page.EvaluateAsync<string[]>(
            """
            () => {
              const reason = document.getElementById('reason').getBoundingClientRect();
              const covers = (other) => reason.left < other.right && other.left < reason.right
                && reason.top < other.bottom && other.top < reason.bottom;
              return [...document.querySelectorAll('#source-said, .switches button:not([hidden])')]
                .filter((element) => covers(element.getBoundingClientRect()))
                .map((element) => element.textContent);
            }
            """
        );
        Assert.Empty(covered);
        await Expect(page.Locator("#reason")).ToBeInViewportAsync(new() { Ratio = 1 });
    }

    [Fact]
    public async Task A_cut_connection_resumes_and_misses_nothing()
    {
        var page = await OpenAsync("/patterns");
        await SpeaksAsync(page);
        await page.GetByRole(AriaRole.Button, new() { Name = "Cut my connection" }).ClickAsync();
        await Expect(page.Locator("#wire")).ToContainTextAsync("> Last-Event-ID: ");

        var received = int.Parse(
            await page.Locator("#received").InnerTextAsync(),
            System.Globalization.CultureInfo.InvariantCulture
        );
        await Expect(page.Locator("#received")).Not.ToHaveTextAsync($"{received}");
        await Expect(page.Locator("#missing")).ToHaveTextAsync("0");
        await IsLiveAsync(page);
    }

    [Fact]
    public async Task A_slow_reader_pauses_the_buffer_and_the_upstream_stands_still()
    {
        var page = await OpenAsync("/patterns");
        // at once: before the reader has begun
        await page.GetByRole(AriaRole.Button, new() { Name = "10 tokens a second" }).ClickAsync();
        await Expect(page.Locator("#read")).ToHaveTextAsync(Positive());
        await Expect(page.Locator("#paused")).ToHaveTextAsync("Reading");
        await Expect(page.Locator("#paused")).ToHaveTextAsync("Paused", new() { Timeout = 120_000 });

        // During a pause the reader takes from the buffer: their sum is the number read from the model. Looks belong
        // together by the pause's number: on a busy machine one may end and the next begin between two of them.
        var sums = await page.EvaluateAsync<int[]>(
            """
            () => new Promise(resolve => {
              const number = id => Number(document.getElementById(id).textContent.replaceAll(',', ''));
              const pauses = {};
              setInterval(() => {
                if (!document.getElementById('again').hidden) return resolve([]);
                if (document.getElementById('paused').dataset.paused !== 'true') return;
                const [looks, read] = [pauses[number('pauses')] ??= new Map(), number('read')];
                looks.set(read, read + number('buffered'));
                if (looks.size > 5) resolve([...looks.values()]);
              }, 100);
            })
            """
        );
        Assert.True(sums.Length > 5, "The answer ended before a pause was seen.");
        Assert.Single(sums.Distinct());
        await page.GetByRole(AriaRole.Button, new() { Name = "The reader keeps up" }).ClickAsync();
        await Expect(page.Locator("#buffered")).ToHaveTextAsync("0");
    }

    [Fact]
    public async Task An_answer_that_was_cut_off_is_not_shown_as_complete()
    {
        var page = await (await ContextAsync()).NewPageAsync();
        await page.RouteAsync(
            "**/patterns/reader?*",
            route =>
                route.FulfillAsync(
                    new()
                    {
                        ContentType = "text/event-stream",
                        Body = "event: reader\ndata: {\"id\":\"r\"}\n\nevent: error\ndata: {\"error\":\"stopped\"}\n\n",
                    }
                )
        );
        await page.GotoAsync(new Uri(Frontend, "/patterns").ToString());
        await Expect(page.Locator("#reading.bad")).ToContainTextAsync("stopped");
        await Expect(page.Locator("#again")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Speeds_chosen_in_quick_succession_arrive_in_their_order()
    {
        var page = await OpenAsync("/patterns");
        await Expect(page.Locator("#read")).ToHaveTextAsync(Positive());
        var speeds = new ConcurrentQueue<string>();
        var release = new TaskCompletionSource();
        await page.RouteAsync(
            "**/patterns/reader/*",
            async route =>
            {
                if (route.Request.Method == "PUT")
                {
                    speeds.Enqueue(route.Request.Url.Split('=')[^1]);
                    await release.Task;
                }
                await route.ContinueAsync();
            }
        );

        foreach (var name in (string[])["10 tokens a second", "The reader keeps up", "10 tokens a second"])
            await page.GetByRole(AriaRole.Button, new() { Name = name }).ClickAsync();

        await Eventually.HoldsAsync(() => !speeds.IsEmpty);
        // The others wait for its answer: one that did not would have come before this one of the page's own.
        await page.EvaluateAsync("() => fetch('/patterns/reader/later', { method: 'HEAD' })");
        Assert.Single(speeds);
        release.SetResult();
        await Eventually.HoldsAsync(() => speeds.Count == 3);
        Assert.Equal("10", speeds.Last());
    }

    [Fact]
    public async Task Without_storage_and_in_an_insecure_context_both_streams_run()
    {
        var page = await OpenAsync("/patterns", await RestrictedAsync());
        await SpeaksAsync(page);
        await Expect(page.Locator("#read")).ToHaveTextAsync(Positive());
    }

    private static Task SpeaksAsync(IPage page) =>
        Expect(page.Locator("#source")).ToHaveAttributeAsync("data-source", "speaks");

    [GeneratedRegex("[1-9]")]
    private static partial Regex Positive();
}
