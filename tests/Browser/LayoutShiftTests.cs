using System.Net.Http.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

/// <summary>Text that one reads stays where it is (https://web.dev/articles/cls): loaded, live and lost.</summary>
public class LayoutShiftTests(PagesFixture pages) : FilledPageTests(pages)
{
    private const double Good = 0.1;
    private static readonly int[] Widths = [390, 1_280];

    // Load tests and tasks have tests of their own below: these pages show what other tests start and create meanwhile.
    public static TheoryData<string, int> Pages =>
        new(from path in Paths where path is not ("/load" or "/tasks") from width in Widths select (path, width));

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

    [Fact]
    public async Task Load_tests_move_nothing_before_during_and_after_a_run()
    {
        await using var system = await PagesSystem.StartAsync(world => world.Replicas(1));
        await LoadMovesLittleAsync(system, "idle");

        await StartAsync(system, "churn", seconds: 60);
        await LoadMovesLittleAsync(system, "running");
        await StopAsync(system);
        await LoadMovesLittleAsync(system, "stopped");

        await StartAsync(system, "fanout", seconds: 2);
        await IsAsync(await OpenAsync(new Uri(system.Frontend, "/load").ToString()), "passed");
        await LoadMovesLittleAsync(system, "passed");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(50)]
    public async Task Tasks_move_nothing_however_many_there_are(int count)
    {
        await using var system = await PagesSystem.StartAsync(world => world.Replicas(1));
        using var api = new Api(system.StreamApi);

        for (var n = 0; n < count; n++)
            await api.CreateTaskAsync($"Task {n}");

        foreach (var width in Widths)
        {
            var page = await OpenLiveAsync(new Uri(system.Frontend, "/tasks").ToString(), await MeasuringAsync(width));
            await Expect(page.Locator("[data-loading]")).ToHaveCountAsync(0);
            await HasMovedLittleAsync(page);
        }
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

    private static async Task StartAsync(PagesSystem system, string scenario, int seconds)
    {
        using var http = new HttpClient { BaseAddress = system.Frontend };
        var run = new
        {
            scenario,
            clients = 20,
            rate = 20,
            seconds,
        };
        using var started = await http.PostAsJsonAsync("/load/runs", run, Cancelled);

        started.EnsureSuccessStatusCode();
    }

    private static async Task StopAsync(PagesSystem system)
    {
        using var http = new HttpClient { BaseAddress = system.Frontend };
        using var stopped = await http.DeleteAsync(new Uri("/load/runs", UriKind.Relative), Cancelled);
        stopped.EnsureSuccessStatusCode();
    }

    private static Task IsAsync(IPage page, string phase) =>
        Expect(page.Locator("#phase")).ToHaveAttributeAsync("data-phase", phase);

    /// <summary>Opens the page whose run arrives last: the reports must not make room for it.</summary>
    private async Task LoadMovesLittleAsync(PagesSystem system, string phase)
    {
        foreach (var width in Widths)
        {
            var context = await MeasuringAsync(width);
            var areReportsRead = new TaskCompletionSource();
            await context.RouteAsync(
                "**/load/stream",
                async route =>
                {
                    await areReportsRead.Task;
                    await route.ContinueAsync();
                }
            );

            var page = await OpenAsync(new Uri(system.Frontend, "/load").ToString(), context);
            await Expect(page.Locator("#reports:not([hidden]), #no-reports:not([hidden])")).ToHaveCountAsync(1);
            areReportsRead.SetResult();
            await IsAsync(page, phase);
            await HasMovedLittleAsync(page);
        }
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
        Assert.True(sum < Good, $"{page.ViewportSize!.Width} px wide: {sum:F3}: {string.Join("; ", moved)}");
    }
}
