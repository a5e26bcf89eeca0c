using System.Net;
using System.Net.Http.Json;
using Harness;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

public class LoadPageTests(PagesFixture pages) : PageTests(pages)
{
    private readonly PagesSystem _system = pages.Shared;
    private static readonly LocatorAssertionsToHaveAttributeOptions Patient = new() { Timeout = 120_000 };

    [Fact]
    public async Task A_run_is_started_and_watched_and_its_report_is_read_in_an_origin_of_its_own_without_network()
    {
        var page = await OpenAsync("/load");
        await RecordAsync(page.Locator("#now-open"));
        await StartAsync(page, "fanout", seconds: "2");
        await HasShownAsync(page, "20");
        await Expect(page.Locator("#chart-delivered canvas")).ToBeVisibleAsync();
        await IsAsync(page, "passed");
        await Expect(page.Locator("#verdicts dd[data-ok=true]")).ToHaveTextAsync(["0", "0", "0"]);

        var row = page.Locator("#report-rows tr").First;
        await Expect(row).ToContainTextAsync("fanout");
        await Expect(row.Locator(".verdict")).ToHaveTextAsync("passed");
        await row.GetByRole(AriaRole.Button).ClickAsync();
        await Expect(page.Locator("#report-title")).ToBeFocusedAsync();
        await Expect(
                page.FrameLocator("#report iframe")
                    .GetByRole(AriaRole.Heading, new() { Name = "fanout: held all thresholds" })
            )
            .ToBeVisibleAsync();

        using var http = new HttpClient { BaseAddress = Frontend };
        using var report = await http.GetAsync(await page.Locator("#report-tab").GetAttributeAsync("href"), Cancelled);
        var policy = Assert.Single(report.Headers.GetValues("Content-Security-Policy"));

        Assert.StartsWith("sandbox allow-scripts; default-src 'none';", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("connect-src", policy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_outlives_its_page_and_is_one_at_a_time_and_can_be_stopped()
    {
        var page = await OpenAsync("/load");
        await StartAsync(page, "churn", seconds: "60");
        await IsAsync(page, "running");
        await page.ReloadAsync();
        await IsAsync(page, "running");
        await Expect(page.Locator("#what")).ToContainTextAsync("churn");

        using var http = new HttpClient { BaseAddress = Frontend };
        using var another = await http.PostAsJsonAsync("/load/runs", new { scenario = "fanout" }, Cancelled);
        Assert.Equal(HttpStatusCode.Conflict, another.StatusCode);
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop" }).ClickAsync();
        await IsAsync(page, "stopped");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Start" })).ToBeEnabledAsync();

        // It is neither passed nor failed, and the deliveries under way are not lost.
        var row = page.Locator("#report-rows tr", new() { HasText = "churn" }).First;
        await Expect(row.Locator(".verdict")).ToHaveTextAsync("Stopped");
        await Expect(row.Locator("td").Nth(4)).ToHaveTextAsync("–");
    }

    [Fact]
    public async Task A_run_that_ended_with_the_frontend_is_stopped_and_the_page_can_start_another()
    {
        var address = new Uri($"http://127.0.0.1:{FreePort.Take()}");
        var settings = _system.Development();
        var page = await (await ContextAsync()).NewPageAsync();
        await using var frontend = await _system.StartFrontendAsync(address, settings);

        await page.GotoAsync($"{address}load");
        await StartAsync(page, "churn", seconds: "60");
        await IsAsync(page, "running");
        await frontend.StopAsync(Cancelled);
        await IsAsync(page, "noFrontend");

        await using var again = await _system.StartFrontendAsync(address, settings);
        await IsAsync(page, "stopped");
        await Expect(page.Locator("#start-error")).ToContainTextAsync("restarted");
        await Expect(page.Locator("#begin")).ToBeEnabledAsync();
    }

    [Fact]
    public async Task A_load_test_that_cannot_run_gets_an_error_at_its_field()
    {
        var page = await OpenAsync("/load");
        await page.Locator("#clients").FillAsync("1000000");
        await page.Locator("#begin").ClickAsync();
        await Expect(page.Locator("#clients")).ToBeFocusedAsync();
        await Expect(page.Locator("#clients-error")).ToContainTextAsync("2,000");
    }

    [Theory]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    [InlineData("Host", "evil.example")]
    public async Task A_page_of_another_origin_starts_nothing(string header, string value)
    {
        using var http = new HttpClient { BaseAddress = Frontend };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/load/runs")
        {
            Content = JsonContent.Create(new { scenario = "fanout" }),
        };
        request.Headers.Add(header, value);

        using var response = await http.SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task The_address_of_a_report_reaches_no_other_file()
    {
        using var http = new HttpClient { BaseAddress = Frontend };
        using var outside = await http.GetAsync(
            new Uri("/load/reports/..~..~AppHost/AppHost", UriKind.Relative),
            Cancelled
        );
        Assert.Equal(HttpStatusCode.NotFound, outside.StatusCode);
    }

    private static async Task StartAsync(IPage page, string scenario, string seconds)
    {
        await page.Locator("#scenario").SelectOptionAsync(scenario);
        await page.Locator("#clients").FillAsync("20");
        await page.Locator("#rate").FillAsync("20");
        await page.Locator("#seconds").FillAsync(seconds);
        await page.Locator("#begin").ClickAsync();
    }

    private static Task IsAsync(IPage page, string phase) =>
        Expect(page.Locator("#phase")).ToHaveAttributeAsync("data-phase", phase, Patient);
}
