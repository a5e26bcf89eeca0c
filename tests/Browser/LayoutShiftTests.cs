using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

/// <summary>Text that one reads stays where it is (https://web.dev/articles/cls): loaded, live and lost.</summary>
public class LayoutShiftTests(PagesFixture pages) : FilledPageTests(pages)
{
    private const double Good = 0.1;

    // Neither load tests nor tasks: those pages show what other tests start and create meanwhile.
    public static TheoryData<string, int> Pages =>
        new(
            from path in Paths
            where path is not ("/load" or "/tasks")
            from width in (int[])[390, 1_280]
            select (path, width)
        );

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task A_page_that_loads_moves_nothing(string path, int width)
    {
        var topic = Api.Topic();
        await using var stream = await Api.SubscribeAsync(topic);
        path = await PathAsync(path, topic);
        var page = await OpenAsync(path, await MeasuringAsync(width));
        await FilledAsync(page, path, topic);
        await HasMovedLittleAsync(page);
    }

    [Theory]
    [InlineData(390)]
    [InlineData(1_280)]
    public async Task A_list_of_events_that_grows_moves_nothing_abruptly(int width)
    {
        var topic = Api.Topic();
        var page = await OpenLiveAsync($"/events?topic={topic}", await MeasuringAsync(width));
        for (var n = 1; n <= 20; n++)
        {
            await Api.PublishAsync(topic, new { n });
            await Expect(page.Locator("#rows li")).ToHaveCountAsync(n);
        }
        await HasMovedLittleAsync(page);
    }

    [Theory]
    [InlineData("/events", 390)]
    [InlineData("/petstore", 390)]
    [InlineData("/petstore", 1_280)]
    [InlineData("/tasks", 1_280)]
    public async Task A_lost_stream_says_so_in_its_place(string path, int width)
    {
        var context = await MeasuringAsync(width);
        foreach (var stream in (string[])["**/events/stream*", "**/inventory/stream*"])
            await context.RouteAsync(stream, route => RefuseAsync(route, 503, "Too many streams."));
        var page = await OpenAsync(path, context);
        await Expect(page.Locator("#reason")).ToContainTextAsync("Too many streams.");
        await Expect(page.Locator("#reconnect")).ToBeVisibleAsync();
        await HasMovedLittleAsync(page);
    }

    private async Task<IBrowserContext> MeasuringAsync(int width)
    {
        var context = await ContextAsync(width: width);
        await context.AddInitScriptAsync(
            """
            window.shifts = [];
            const nameOf = ({ node }) => node?.id || node?.className || node?.nodeName;
            new PerformanceObserver((list) => {
              for (const { value, hadRecentInput, sources } of list.getEntries())
                if (!hadRecentInput) shifts.push({ value, moved: sources.map(nameOf).join(' ') });
            }).observe({ type: 'layout-shift', buffered: true });
            """
        );
        return context;
    }

    private static async Task HasMovedLittleAsync(IPage page)
    {
        // An entry comes after its frame.
        await page.EvaluateAsync("() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))");
        var sum = await page.EvaluateAsync<double>("shifts.reduce((sum, { value }) => sum + value, 0)");
        var moved = await page.EvaluateAsync<string[]>(
            "shifts.map(({ value, moved }) => `${value.toFixed(3)} ${moved}`)"
        );
        Assert.True(sum < Good, $"{sum:F3}: {string.Join("; ", moved)}");
    }
}
