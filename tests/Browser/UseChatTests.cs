using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using Harness;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

/// <summary>AI SDK's <c>useChat</c> in the page of <c>clients/javascript/examples/use-chat</c>.</summary>
[Trait("Takes", "long")]
public class UseChatTests(PagesFixture pages) : PageTests(pages)
{
    private const string Example = "clients/javascript/examples/use-chat";

    private static readonly Lazy<Task<string?>> Folder = new(BuildAsync);
    private readonly FaultyLink _link = new([
        .. pages.Shared.World.Replicas.Select(r => new IPEndPoint(IPAddress.Loopback, r.Url.Port)),
    ]);

    [Fact]
    public async Task A_reloaded_page_and_a_second_tab_have_the_answer_and_its_stop_is_for_both()
    {
        var context = await ExampleAsync();
        var page = await AskAsync(context, "reload");
        await GrownAsync(page, 0);

        await page.ReloadAsync();
        var length = (await TextAsync(page)).Length;
        await GrownAsync(page, length);

        var second = await OpenAsync(PathOf("reload"), context);
        await GrownAsync(second, length);
        await second.Locator("#stop").ClickAsync();

        foreach (var tab in (IPage[])[page, second])
        {
            await IsAsync(tab, "ready");
            await Expect(tab.Locator(".assistant")).ToHaveCountAsync(1);
            await ShowsTheWholeAsync(tab);
        }
    }

    [Fact]
    public async Task A_page_that_loses_its_connection_twenty_times_has_the_text_of_the_server()
    {
        var page = await AskAsync(await ExampleAsync(), "cuts");
        for (var cut = 0; cut < 20; cut++)
        {
            await GrownAsync(page, (await TextAsync(page)).Length);
            _link.Cut();
            await IsAsync(page, "error");
            _link.Heal();
            // The client resumes when its tab is shown again.
            await ShowAsync(page);
            await IsAsync(page, "streaming");
        }

        await page.Locator("#stop").ClickAsync();
        await IsAsync(page, "ready");
        await Expect(page.Locator(".assistant")).ToHaveCountAsync(1);
        await ShowsTheWholeAsync(page);
    }

    /// <summary>The server has nothing to resume after the end of the answer.</summary>
    [Fact]
    public async Task A_page_that_keeps_its_messages_shows_an_ended_answer_once()
    {
        var context = await ExampleAsync();
        var page = await AskAsync(context, "ended", tokens: 20);
        await IsAsync(page, "ready");
        await ShowsTheWholeAsync(page);

        var resumed = page.WaitForResponseAsync(new Regex("/api/chat/ended/stream"));
        await page.ReloadAsync();
        Assert.Equal((int)HttpStatusCode.NoContent, (await resumed).Status);
        await IsAsync(page, "ready");
        await Expect(page.Locator(".assistant")).ToHaveCountAsync(1);
        await ShowsTheWholeAsync(page);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _link.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>A profile for which the frontend's address has the example's files too.</summary>
    private async Task<IBrowserContext> ExampleAsync()
    {
        var folder = await Folder.Value;
        Assert.SkipWhen(folder is null, "npm is not installed.");
        var context = await ContextAsync();
        // A page that a route answers is of no address, so Chromium asks its user.
        await context.GrantPermissionsAsync(["local-network-access"]);
        await context.RouteAsync(
            new Regex("/use-chat/"),
            route =>
                route.FulfillAsync(
                    new() { Path = Path.Combine(folder!, Path.GetFileName(new Uri(route.Request.Url).LocalPath)) }
                )
        );

        return context;
    }

    private string PathOf(string chat, int tokens = 4000) =>
        $"/use-chat/index.html?server=http://127.0.0.1:{_link.Port}&chat={chat}&tokens={tokens}";

    private async Task<IPage> AskAsync(IBrowserContext context, string chat, int tokens = 4000)
    {
        var page = await OpenAsync(PathOf(chat, tokens), context);
        await IsAsync(page, "ready");
        await page.Locator("input").FillAsync("What does a reader have after a cut?");
        await page.Keyboard.PressAsync("Enter");
        await IsAsync(page, "streaming");

        return page;
    }

    private static Task IsAsync(IPage page, string status) =>
        Expect(page.Locator("main")).ToHaveAttributeAsync("data-status", status);

    private static Task<string> TextAsync(IPage page) => page.Locator(".assistant").InnerTextAsync();

    private static Task<IJSHandle> GrownAsync(IPage page, int length) =>
        page.WaitForFunctionAsync(
            "length => document.querySelector('.assistant')?.textContent.length > length",
            length
        );

    private async Task ShowsTheWholeAsync(IPage page)
    {
        var id = await page.Locator(".assistant").GetAttributeAsync("id");
        var answer = await Api.GenerationAsync(id!);
        Assert.Equal((string?)answer["text"], await page.Locator(".assistant").TextContentAsync());
    }

    /// <summary>Builds the example in a copy. Null if npm is missing.</summary>
    private static async Task<string?> BuildAsync()
    {
        var folder = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "use-chat")).FullName;
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, Example)))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);

        string[] install =
        [
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefer-offline",
            "--loglevel=error",
        ];
        return await RunAsync(folder, install) && await RunAsync(folder, ["run", "--silent", "build"]) ? folder : null;
    }

    private static async Task<bool> RunAsync(string folder, string[] arguments)
    {
        Process process;
        try
        {
            process = Process.Start(
                new ProcessStartInfo("npm", arguments) { WorkingDirectory = folder, RedirectStandardOutput = true }
            )!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }

        using (process)
        {
            var output = await process.StandardOutput.ReadToEndAsync(Cancelled);
            await process.WaitForExitAsync(Cancelled);
            Assert.True(process.ExitCode == 0, output);
            return true;
        }
    }
}
