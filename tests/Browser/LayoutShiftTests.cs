using System.Net.Http.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

/// <summary>Text that one reads stays where it is: live, lost, and on the pages that show what all tests do.
/// AccessibilityTests check the loading of the others.</summary>
[Trait("Takes", "long")]
public class LayoutShiftTests(PagesFixture pages, QuietPages quiet) : PageTests(pages), IClassFixture<QuietPages>
{
    private static readonly int[] Widths = [390, 1_280];
    private readonly PagesSystem _system = quiet.System;

    [Fact]
    public async Task Load_tests_move_nothing_before_during_and_after_a_run()
    {
        await LoadMovesLittleAsync("idle");

        await StartAsync("churn", seconds: 60);
        await LoadMovesLittleAsync("running");
        await StopAsync();
        await LoadMovesLittleAsync("stopped");

        await StartAsync("fanout", seconds: 2);
        await IsAsync(await OpenAsync(new Uri(_system.Frontend, "/load").ToString()), "passed");
        await LoadMovesLittleAsync("passed");
    }

    [Fact]
    public async Task Tasks_move_nothing_however_many_there_are()
    {
        using var api = new Api(_system.StreamApi);
        var created = 0;

        foreach (var count in (int[])[0, 3, 50])
        {
            for (; created < count; created++)
                await api.CreateTaskAsync($"Task {created}");

            foreach (var width in Widths)
            {
                var tasks = new Uri(_system.Frontend, "/tasks").ToString();
                var page = await OpenLiveAsync(tasks, await MeasuringAsync(width));
                await Expect(page.Locator("[data-loading]")).ToHaveCountAsync(0);
                await LayoutShifts.AreSmallAsync(page, $"{count} tasks");
            }
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

        await LayoutShifts.AreSmallAsync(page);
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
        await LayoutShifts.AreSmallAsync(page);
    }

    private async Task StartAsync(string scenario, int seconds)
    {
        using var http = new HttpClient { BaseAddress = _system.Frontend };
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

    private async Task StopAsync()
    {
        using var http = new HttpClient { BaseAddress = _system.Frontend };
        using var stopped = await http.DeleteAsync(new Uri("/load/runs", UriKind.Relative), Cancelled);
        stopped.EnsureSuccessStatusCode();
    }

    private static Task IsAsync(IPage page, string phase) =>
        Expect(page.Locator("#phase")).ToHaveAttributeAsync("data-phase", phase);

    /// <summary>Opens the page whose run arrives last: the reports must not make room for it.</summary>
    private async Task LoadMovesLittleAsync(string phase)
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

            var page = await OpenAsync(new Uri(_system.Frontend, "/load").ToString(), context);
            await Expect(page.Locator("#reports:not([hidden]), #no-reports:not([hidden])")).ToHaveCountAsync(1);
            areReportsRead.SetResult();
            await IsAsync(page, phase);
            await LayoutShifts.AreSmallAsync(page);
        }
    }

    private async Task<IBrowserContext> MeasuringAsync(int width)
    {
        var context = await ContextAsync(width: width);
        await LayoutShifts.RecordAsync(context);
        return context;
    }
}
