using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

[Trait("Takes", "long")]
public partial class AgentPageTests(PagesFixture pages) : PageTests(pages)
{
    [Fact]
    public async Task Tool_calls_are_shown_with_their_arguments_results_and_durations_before_the_answer()
    {
        var page = await OpenAsync("/agent");
        await page.Locator("#question").FillAsync("What is 12 * (3 + 4), and which cats do you have?");
        await page.Keyboard.PressAsync("Enter");
        var (sum, search) = (page.Locator(".step").Nth(0), page.Locator(".step").Nth(1));
        await Expect(sum.Locator("h3")).ToHaveTextAsync("calculate");
        await Expect(sum.Locator("code")).ToHaveTextAsync("expression: 12 * (3 + 4)");
        await Expect(sum.Locator(".value")).ToHaveTextAsync("84");
        await Expect(sum.Locator(".duration")).ToHaveTextAsync(Milliseconds());
        await Expect(search.Locator("h3")).ToHaveTextAsync("search_pets");
        await Expect(search.Locator("tbody tr").First).ToContainTextAsync("cat");

        var prices = await search.Locator("tbody td:nth-child(5)").AllInnerTextsAsync();
        Assert.Single(prices.Select(price => price.Length - price.IndexOf('.')).Distinct()); // 299.99 below 349.50
        await Expect(page.Locator(".step.says .text")).ToContainTextAsync("calculate says: 84");
        await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "done");
        await Expect(page.Locator(".turn > .outcome")).ToContainTextAsync("2 tool calls");
        await Expect(page.Locator("#calls")).ToHaveTextAsync("2");
        await Expect(page.Locator("#answered[role=status]")).ToHaveTextAsync("The answer is complete");
    }

    [Fact]
    public async Task A_reloaded_page_and_another_browser_show_the_whole_session_and_continue_it()
    {
        var page = await OpenAsync("/agent");
        await page.Locator("#question").FillAsync("What is 6 * 7?");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".tool[data-state=done]")).ToHaveCountAsync(1);
        await page.ReloadAsync(); // while it answers
        await Expect(page.Locator(".question")).ToHaveTextAsync("What is 6 * 7?");
        await Expect(page.Locator(".tool .value")).ToHaveTextAsync("42");
        await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "done");

        var other = await OpenAsync(new Uri(page.Url).PathAndQuery, await ContextAsync());
        await Expect(other.Locator(".turn")).ToHaveAttributeAsync("data-status", "done");
        await SameAsync(page, other, ".steps");
        await other.Locator("#question").FillAsync("And what is 2 * 4?");
        await other.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".question").Last).ToHaveTextAsync("And what is 2 * 4?");
        await Expect(page.Locator(".turn[data-status=done]")).ToHaveCountAsync(2);
        await Expect(page.Locator(".tool .value").Last).ToHaveTextAsync("8");
        await Expect(other.Locator(".turn[data-status=done]")).ToHaveCountAsync(2);
        await SameAsync(page, other, "#turns");
    }

    /// <summary>Both show the same, once each shows the server's times instead of its own.</summary>
    private static Task SameAsync(IPage one, IPage other, string selector) =>
        Eventually.HoldsAsync(async () =>
            await one.Locator(selector).InnerTextAsync() == await other.Locator(selector).InnerTextAsync()
        );

    [Fact]
    public async Task A_tool_that_fails_is_shown_as_failed_with_its_reason()
    {
        var page = await OpenAsync("/agent");
        await page.Locator("#question").FillAsync("Where is my order c0ffee1e-cafe-babe-face-decaf0c0ffee?");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".tool")).ToHaveAttributeAsync("data-state", "failed");
        await Expect(page.Locator(".tool .bad")).ToContainTextAsync("There is no order");
    }

    [Fact]
    public async Task A_missing_session_is_reported_and_a_new_one_is_offered()
    {
        var page = await OpenAsync($"/agent?session={Guid.NewGuid()}");
        await Expect(page.Locator("#trouble")).ToContainTextAsync("There is no such session");
        await Expect(page.Locator("#empty")).ToBeVisibleAsync();
        await page.Locator(".examples button").Nth(1).ClickAsync();
        await Expect(page.Locator(".tool[data-state=done]")).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task A_session_that_is_refused_says_why_and_is_read_again_only_by_Connect_now()
    {
        var id = await Api.SessionAsync("What is 6 * 7?");
        var context = await ContextAsync();
        var reads = 0;
        var mayRead = false;
        var answer = new TaskCompletionSource();
        await context.RouteAsync(
            $"**/session/{id}",
            async route =>
            {
                if (!Volatile.Read(ref mayRead))
                {
                    await RefuseAsync(route, 401, "Sign in first.");
                    return;
                }

                Interlocked.Increment(ref reads);
                await answer.Task;
                await route.ContinueAsync();
            }
        );

        var page = await OpenAsync($"/agent?session={id}", context);
        await Expect(page.Locator("#state")).ToHaveAttributeAsync("data-state", "closed");
        await Expect(page.Locator("#reason")).ToContainTextAsync("Sign in first.");

        Volatile.Write(ref mayRead, true);
        await page.EvaluateAsync("for (let n = 0; n < 3; n++) document.getElementById('reconnect').click()");
        await Eventually.HoldsAsync(() => reads > 0);
        answer.SetResult();
        await IsLiveAsync(page);
        await Expect(page.Locator(".tool .value")).ToHaveTextAsync("42");
        await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "done");
        Assert.Single(await Api.ConnectionsAsync(id));
    }

    [Fact]
    public async Task A_notice_that_the_token_expires_is_no_event_of_the_session()
    {
        var id = await Api.SessionAsync("What is 6 * 7?");
        var context = await ContextAsync();
        var (reads, streams) = (0, 0);
        await context.RouteAsync(
            $"**/session/{id}",
            route =>
            {
                Interlocked.Increment(ref reads);
                return route.ContinueAsync();
            }
        );

        await context.RouteAsync(
            $"**/stream/{id}*",
            route =>
            {
                Interlocked.Increment(ref streams);
                return StreamAsync(route, "retry: 10\n\nevent: unauthorized\ndata: {\"reason\":\"expiring\"}\n\n");
            }
        );
        await OpenAsync($"/agent?session={id}", context);
        await Eventually.HoldsAsync(() => streams >= 3);
        Assert.Equal(1, reads);
    }

    [Fact]
    public async Task A_message_whose_answer_was_lost_is_sent_again_and_answered_once()
    {
        var id = await Api.SessionAsync("What is 6 * 7?");
        var page = await OpenLiveAsync($"/agent?session={id}");
        await Expect(page.Locator(".turn[data-status=done]")).ToHaveCountAsync(1);

        var lost = false;
        await page.RouteAsync(
            $"**/message/{id}",
            async route =>
            {
                if (lost)
                {
                    await route.ContinueAsync();
                    return;
                }

                lost = true;
                await route.FetchAsync();
                await route.AbortAsync();
            }
        );

        await page.Locator("#question").FillAsync("What is 2 * 4?");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#ask-error")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#question")).ToHaveValueAsync("");
        await Expect(page.Locator(".turn[data-status=done]")).ToHaveCountAsync(2);
        await page.ReloadAsync();
        await Expect(page.Locator(".turn[data-status=done]")).ToHaveCountAsync(2);
    }

    [GeneratedRegex(@"^[0-9.,]+ ms$")]
    private static partial Regex Milliseconds();
}
