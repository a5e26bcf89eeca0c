using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

[Trait("Takes", "long")]
public class PhoneTests(PagesFixture pages) : PageTests(pages)
{
    private const int Width = 390,
        Height = 844;

    [Fact]
    public async Task All_pages_are_in_sight_and_events_begin_above_the_fold()
    {
        var page = await OpenAsync("/events", await PhoneAsync());
        var links = page.Locator("header nav:not(.languages) a");
        await Expect(links).ToHaveCountAsync(9);

        foreach (var link in await links.AllAsync())
            await Expect(link).ToBeInViewportAsync(new() { Ratio = 1 });

        Assert.InRange((await page.Locator("header nav").First.BoundingBoxAsync())!.Height, 20, 70);
        Assert.InRange((await page.Locator(".stream").BoundingBoxAsync())!.Y, 0, Height / 2);
    }

    [Fact]
    public async Task The_tunnel_is_beside_Stop_while_an_answer_runs()
    {
        var page = await AskAsync();
        await Expect(page.Locator("#tunnel")).ToBeInViewportAsync(new() { Ratio = 1 });
        await Expect(page.Locator("#stop")).ToBeInViewportAsync(new() { Ratio = 1 });
        await page.Locator("#tunnel").ClickAsync();
        await Expect(page.Locator("#breaks")).ToHaveTextAsync("1");
        await page.Locator("#stop").ClickAsync();
        await Expect(page.Locator("#tunnel")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task The_composer_covers_neither_the_examples_nor_the_buttons_of_a_stopped_answer()
    {
        var page = await OpenAsync("/chat", await PhoneAsync());
        await Expect(page.Locator(".examples button").Last).ToBeVisibleAsync();
        Assert.True(
            await BottomOf(page.Locator(".examples")) <= await TopOf(page.Locator("#ask")),
            "The examples are under the composer."
        );

        await page.Locator(".examples button").Nth(1).ClickAsync();
        await Expect(page.Locator(".turn .text")).ToContainTextAsync("You asked");
        // As a finger does: a click of Playwright scrolls the page first, beyond the end of the conversation.
        var stop = (await page.Locator("#stop").BoundingBoxAsync())!;

        await page.Mouse.ClickAsync(stop.X + stop.Width / 2, stop.Y + stop.Height / 2);
        var again = page.GetByRole(AriaRole.Button, new() { Name = "Ask again" });
        await Expect(again).ToBeInViewportAsync();
        await page.WaitForFunctionAsync(
            "() => document.querySelector('.outcome .button').getBoundingClientRect().bottom <= "
                + "document.getElementById('ask').getBoundingClientRect().top"
        );
    }

    [Theory]
    [InlineData(-100)] // a little before the end of the conversation
    [InlineData(250)] // beyond it, at the panels
    public async Task Stop_that_is_pressed_while_text_arrives_stops_the_answer_wherever_the_page_is_scrolled(int by)
    {
        var page = await AskAsync();
        await GrowsAsync(page, 1_000); // the conversation is higher than the screen
        // The place of its lower edge as soon as the page is scrolled, before more text arrives.
        var place = await page.EvaluateAsync<float[]>(
            """
            by => {
              scrollBy(0, by);
              const { left, bottom } = document.getElementById('stop').getBoundingClientRect();
              return [left + 10, bottom - 3];
            }
            """,
            by
        );

        await page.Mouse.MoveAsync(place[0], place[1]);
        await page.Mouse.DownAsync();
        await GrowsAsync(page, 200);
        await page.Mouse.UpAsync();
        await Expect(page.Locator("#phase")).ToHaveAttributeAsync("data-phase", "cancelled");
    }

    [Fact]
    public async Task Focus_in_the_composer_does_not_scroll_the_page_away_from_the_end_of_the_answer()
    {
        var page = await AskAsync();
        await GrowsAsync(page, 1_000);
        var scrolled = await page.EvaluateAsync<float>(
            """
            () => {
              const before = scrollY;
              for (const id of ['question', 'model', 'length', 'stop']) document.getElementById(id).focus();
              return scrollY - before;
            }
            """
        );

        Assert.InRange(scrolled, -1, 1);
    }

    /// <summary>Asks for the longest answer.</summary>
    private async Task<IPage> AskAsync()
    {
        var page = await OpenAsync("/chat", await PhoneAsync());
        await page.Locator("#length").SelectOptionAsync("4000");
        await page.Locator("#question").FillAsync("What is long?");
        await page.Keyboard.PressAsync("Enter");
        return page;
    }

    private static async Task GrowsAsync(IPage page, int by) =>
        await page.WaitForFunctionAsync(
            "length => document.querySelector('.turn .text')?.textContent.length > length",
            by + await page.EvaluateAsync<int>("document.querySelector('.turn .text')?.textContent.length ?? 0")
        );

    private Task<IBrowserContext> PhoneAsync() => ContextAsync(width: Width, height: Height);

    private static async Task<float> TopOf(ILocator locator) => (await locator.BoundingBoxAsync())!.Y;

    private static async Task<float> BottomOf(ILocator locator) =>
        await TopOf(locator) + (await locator.BoundingBoxAsync())!.Height;
}
