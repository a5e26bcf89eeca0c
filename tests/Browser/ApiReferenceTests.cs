using static Microsoft.Playwright.Assertions;

namespace Browser;

public sealed class ApiReferenceTests(PagesFixture pages) : PageTests(pages)
{
    [Fact]
    public async Task The_reference_shows_the_endpoints_and_loads_nothing_from_elsewhere()
    {
        var api = StreamApi;
        var page = await (await ContextAsync()).NewPageAsync();
        var elsewhere = new List<string>();

        page.Request += (_, request) =>
        {
            if (request.Url.StartsWith("http", StringComparison.Ordinal) && !api.IsBaseOf(new Uri(request.Url)))
                elsewhere.Add(request.Url);
        };

        await page.GotoAsync(new Uri(api, "/scalar").ToString());

        await Expect(page.GetByText("/v1/events/stream").First).ToBeVisibleAsync();
        Assert.Empty(elsewhere);
    }
}
