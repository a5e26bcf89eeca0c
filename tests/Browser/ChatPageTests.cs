using System.Text.RegularExpressions;
using System.Web;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

[Trait("Takes", "long")]
public partial class ChatPageTests(PagesFixture pages) : PageTests(pages)
{
    // An answer of three minutes, which still runs when a slow machine looks. Its tests stop it.
    private const string Long = "4000";

    private static readonly LocatorAssertionsToHaveAttributeOptions Patient = new() { Timeout = 120_000 };

    [Fact]
    public async Task An_answer_streams_in_and_its_stats_are_shown()
    {
        var page = await AskAsync("How does an answer get here?", length: "");
        await Expect(page.Locator(".question")).ToHaveTextAsync("How does an answer get here?");
        await IsAsync(page, "done");
        await ShowsTheWholeAsync(page);
        await Expect(page.Locator("#first")).ToHaveTextAsync(Number());
        await Expect(page.Locator("#speed")).ToHaveTextAsync(Number());
        await Expect(page.Locator("#tokens")).ToHaveTextAsync(Number());
        await Expect(page.Locator(".outcome")).ToContainTextAsync("tokens/s");
    }

    [Fact]
    public async Task A_page_reloaded_in_mid_answer_resumes_it()
    {
        var page = await AskAsync("An answer to reload.", Long);
        await Expect(page.Locator(".answer .text")).ToHaveTextAsync(Longer());
        var before = await TextAsync(page);

        await page.ReloadAsync();
        await Expect(page.Locator(".question")).ToHaveTextAsync("An answer to reload.");
        await IsAsync(page, "running");
        await page.WaitForFunctionAsync(
            "length => document.querySelector('.answer .text').textContent.length > length",
            before.Length
        );
        Assert.StartsWith(before, await TextAsync(page), StringComparison.Ordinal);
        await StopAsync(page);
        await ShowsTheWholeAsync(page);
    }

    [Fact]
    public async Task Another_browser_with_the_address_reads_the_same_answer_while_it_is_written()
    {
        // The other browser stands ready: a slow machine starts it for as long as the answer takes.
        var other = await OpenAsync("/chat", await ContextAsync());
        var page = await AskAsync("Who else reads this?", Long);
        await Expect(page.Locator(".answer .text")).ToHaveTextAsync(Longer());
        await other.GotoAsync(page.Url);
        await IsAsync(other, "running");
        await Expect(other.Locator(".answer .text")).ToHaveTextAsync(Longer());
        await StopAsync(page);
        await IsAsync(other, "cancelled");
        await ShowsTheWholeAsync(other);

        foreach (var stat in (string[])["#first", "#speed"])
        {
            await Expect(page.Locator(stat)).ToHaveTextAsync(Number()); // the server's, read after the end
            await Expect(other.Locator(stat)).ToHaveTextAsync(await page.Locator(stat).InnerTextAsync());
        }
    }

    [Fact]
    public async Task A_second_tab_of_the_conversation_follows_to_the_next_question()
    {
        var context = await ContextAsync();
        var page = await AskAsync("The first question?", length: "", context);
        await IsAsync(page, "done");

        var second = await OpenAsync(new Uri(page.Url).PathAndQuery, context);
        await IsAsync(second, "done");
        await page.Locator("#question").FillAsync("And the second?");
        await page.Keyboard.PressAsync("Enter");
        await Expect(second.Locator(".question").Last).ToHaveTextAsync("And the second?");
        await Expect(second.Locator(".turn[data-status=done]")).ToHaveCountAsync(2);
        await Expect(page.Locator(".turn[data-status=done]")).ToHaveCountAsync(2);
        await Expect(second).ToHaveURLAsync(page.Url);
    }

    [Fact]
    public async Task Stop_ends_the_answer_for_good_and_offers_to_ask_again()
    {
        var page = await AskAsync("An answer that nobody wants to the end.", Long);
        await Expect(page.Locator(".answer .text")).ToHaveTextAsync(Longer());
        await StopAsync(page);
        Assert.Equal("cancelled", (await Api.GenerationAsync(IdOf(page)))["status"]!.GetValue<string>());
        await ShowsTheWholeAsync(page);
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Ask again" })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Ask", Exact = true })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task The_tunnel_is_announced_and_no_text_is_missing_afterwards()
    {
        var page = await AskAsync("What happens in a tunnel?", Long, await ClockedAsync());
        await Expect(page.Locator(".answer .text")).ToHaveTextAsync(Longer());
        // A screen reader hears the state, not each second of the countdown.
        await RecordAsync(page.Locator("#phase-said[role=status]"));
        await page.Locator("#tunnel").ClickAsync();
        await HasShownAsync(page, "In the tunnel");
        await page.Clock.FastForwardAsync("00:03");
        await Expect(page.Locator("#breaks")).ToHaveTextAsync("1");
        await IsAsync(page, "running");
        await StopAsync(page);
        await ShowsTheWholeAsync(page);
    }

    [Theory]
    [InlineData("own", "event: token", "> Last-Event-ID: .")]
    [InlineData("responses", "response.output_text.delta", @"&starting_after=\d")]
    [InlineData("ui-messages", "\"text-delta\"", @"\?format=ui-messages\n< 200")]
    [InlineData("ag-ui", "TEXT_MESSAGE_CONTENT", @"\?format=ag-ui\n< 200")]
    public async Task The_wire_shows_an_answer_in_the_protocol_one_picks_and_how_its_client_goes_on_after_a_cut(
        string dialect,
        string token,
        string goesOn
    )
    {
        var page = await AskAsync("What does a client see of this?", Long);
        var wire = page.Locator("#wire");
        await Expect(wire).ToBeHiddenAsync();
        await page.Locator("#dialect").SelectOptionAsync(dialect);
        await Expect(wire).ToContainTextAsync(token);

        // The lines of the request would leave the log, which keeps the last ones only.
        await RecordAsync(wire);
        await page.Locator("#tunnel").ClickAsync();
        await page.WaitForFunctionAsync("next => shown.some((text) => RegExp(`✂[^]*${next}`).test(text))", goesOn);
        await StopAsync(page);
        await page.Locator("#dialect").SelectOptionAsync("");
        await Expect(wire).ToBeHiddenAsync();
    }

    [Fact]
    public async Task An_answer_that_does_not_exist_is_said_to_be_missing()
    {
        var page = await OpenAsync($"/chat?id={new string('0', 32)}");
        await IsAsync(page, "missing");
        await Expect(page.Locator(".outcome")).ToContainTextAsync("There is no such answer");
    }

    [Fact]
    public async Task An_answer_that_is_refused_says_why_and_is_not_asked_for_again()
    {
        var reads = 0;
        var page = await (await ClockedAsync()).NewPageAsync();
        await page.RouteAsync(
            "**/v1/generations/*",
            route =>
            {
                Interlocked.Increment(ref reads);
                return RefuseAsync(route, 403, "Not with this token.");
            }
        );
        await page.GotoAsync(new Uri(Frontend, $"/chat?id={new string('0', 32)}").ToString());
        await IsAsync(page, "refused");
        await Expect(page.Locator(".outcome")).ToContainTextAsync("Not with this token.");
        await page.Clock.RunForAsync(30_000);
        Assert.Equal(1, reads);
    }

    [Fact]
    public async Task The_other_language_shows_the_same_answer_and_leaves_no_language_in_the_address()
    {
        var page = await AskAsync("Which language?", length: "");
        await IsAsync(page, "done");
        var address = page.Url;

        await page.GetByRole(AriaRole.Link, new() { Name = "日本語" }).ClickAsync();
        await Expect(page.Locator("html")).ToHaveAttributeAsync("lang", "ja");
        await Expect(page.Locator(".question")).ToHaveTextAsync("Which language?");
        await Expect(page).ToHaveURLAsync(address);
        await page.ReloadAsync();
        await Expect(page.Locator("html")).ToHaveAttributeAsync("lang", "ja");
    }

    [Fact]
    public async Task Where_StreamApi_is_out_of_reach_the_question_is_kept()
    {
        var context = await ContextAsync();
        var page = await OpenAsync("/chat", context);
        await Expect(page.Locator("#model optgroup")).ToHaveCountAsync(1);
        await context.SetOfflineAsync(true);
        await page.Locator("#question").FillAsync("Is anybody there?");
        await page.Locator("#send").ClickAsync();
        await Expect(page.Locator("#ask-error")).ToContainTextAsync("does not answer");
        await Expect(page.Locator("#question")).ToHaveValueAsync("Is anybody there?");
    }

    [Fact]
    public async Task A_question_whose_answer_was_lost_is_asked_again_and_answered_once()
    {
        var page = await OpenAsync("/chat");
        await Expect(page.Locator("#model")).ToHaveValueAsync("demo/demo");
        string? first = null;

        await page.RouteAsync(
            "**/v1/generations",
            async route =>
            {
                if (first is not null)
                {
                    await route.ContinueAsync();
                    return;
                }

                var answer = await route.FetchAsync();
                first = (await answer.JsonAsync())!.Value.GetProperty("id").GetString();
                await route.AbortAsync();
            }
        );
        await page.Locator("#question").FillAsync("Did you hear me?");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#ask-error")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page).ToHaveURLAsync(Answer());
        Assert.Equal(first, IdOf(page));
    }

    [Fact]
    public async Task Without_storage_and_in_an_insecure_context_questions_are_answered()
    {
        var page = await OpenAsync("/chat", await RestrictedAsync());
        await page.Locator("#length").SelectOptionAsync("");

        foreach (var question in (string[])["The first?", "The second?"])
        {
            await page.Locator("#question").FillAsync(question);
            await page.Keyboard.PressAsync("Enter");
            await Expect(page.Locator(".question").Last).ToHaveTextAsync(question);
            await IsAsync(page, "done");
        }

        await Expect(page.Locator(".turn[data-status=done]")).ToHaveCountAsync(2);
    }

    [Theory]
    [InlineData("en-US", 1_024)]
    [InlineData("en-US", 1_280)]
    [InlineData("ja-JP", 1_024)]
    [InlineData("ja-JP", 1_280)]
    public async Task The_buttons_of_a_running_answer_are_on_the_line_of_the_choices(string language, int width)
    {
        var page = await AskAsync("Who stops this?", Long, await ContextAsync(language, width: width));
        await IsAsync(page, "running");
        await Expect(page.Locator("#stop")).ToBeVisibleAsync();

        var middles = await page.EvaluateAsync<double[]>(
            """
            () => [...document.querySelectorAll('.composer .row > :not(p)')]
              .map((element) => element.getBoundingClientRect())
              .filter(({ height }) => height > 0)
              .map(({ top, bottom }) => (top + bottom) / 2)
            """
        );
        await page.Locator("#stop").ClickAsync();
        Assert.InRange(middles.Max() - middles.Min(), 0, 2);
    }

    private async Task<IPage> AskAsync(string question, string length, IBrowserContext? context = null)
    {
        var page = await OpenAsync("/chat", context);
        await Expect(page.Locator("#model")).ToHaveValueAsync("demo/demo");
        await page.Locator("#length").SelectOptionAsync(length);
        await page.Locator("#question").FillAsync(question);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page).ToHaveURLAsync(Answer());

        return page;
    }

    private static Task IsAsync(IPage page, string phase) =>
        Expect(page.Locator("#phase")).ToHaveAttributeAsync("data-phase", phase, Patient);

    private static async Task StopAsync(IPage page)
    {
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop" }).ClickAsync();
        await IsAsync(page, "cancelled");
    }

    // Equals the server's text byte for byte: the document's text, not its layout.
    private async Task ShowsTheWholeAsync(IPage page) =>
        Assert.Equal((await Api.GenerationAsync(IdOf(page)))["text"]!.GetValue<string>(), await TextAsync(page));

    private static async Task<string> TextAsync(IPage page) =>
        await page.Locator(".answer .text").TextContentAsync() ?? "";

    private static string IdOf(IPage page) => HttpUtility.ParseQueryString(new Uri(page.Url).Query)["id"]!;

    [GeneratedRegex(@"\?id=[0-9a-f]{32}$")]
    private static partial Regex Answer();

    [GeneratedRegex(".{60}")]
    private static partial Regex Longer();

    [GeneratedRegex("^[0-9.,]+$")]
    private static partial Regex Number();
}
