using System.Text.Json;
using System.Text.RegularExpressions;
using Harness;
using Microsoft.Playwright;
using Stack;

namespace VendorClients;

/// <summary>AI SDK's <c>useChat</c> in Chromium, in the page of <c>clients/javascript/examples/use-chat</c>.</summary>
internal sealed class UseChatClient() : NpmClient("@ai-sdk/react", script: "", "ai", "react", "react-dom", "esbuild")
{
    private const string Example = "clients/javascript/examples/use-chat";
    private const int Patience = 60_000;

    private static readonly HttpClient Http = new();

    public override async Task<Attempt?> InstallAsync(string folder, CancellationToken stop)
    {
        foreach (var file in (string[])["package.json", "page.jsx", "index.html"])
            File.Copy(Repository.PathOf($"{Example}/{file}"), Path.Combine(folder, file));

        return await AddPackagesAsync(folder, stop)
            ?? FailureOf("npm run build", await Tool.RunAsync(folder, "npm", ["run", "--silent", "build"], stop));
    }

    public override async Task<IReadOnlyList<Attempt>> TryAsync(string folder, Product product, CancellationToken stop)
    {
        var chromium = await Chromium.GetAsync();
        if (chromium.Path is null)
            return [new Attempt("useChat in a browser", chromium.Reason)];

        product.Show(folder);
        using var driver = await Playwright.CreateAsync();
        await using var browser = await driver.Chromium.LaunchAsync(
            new() { ExecutablePath = chromium.Path, Args = ["--no-sandbox", "--disable-gpu"] }
        );
        await using var stopping = stop.Register(() => _ = browser.CloseAsync());

        return
        [
            await TryAsync("useChat: reload in mid-answer", browser, page => ReloadAsync(page, product)),
            await TryAsync("useChat: reload after the answer", browser, page => ReloadEndedAsync(page, product)),
            await TryAsync("useChat: a second tab, and its stop", browser, page => StopAsync(page, product)),
        ];
    }

    private static async Task<Attempt> TryAsync(string tried, IBrowser browser, Func<IPage, Task> tryAsync)
    {
        var context = await browser.NewContextAsync();
        var page = await context.NewPageAsync();
        page.SetDefaultTimeout(Patience);
        var said = new List<string>();
        page.PageError += (_, error) => said.Add(error);

        try
        {
            await tryAsync(page);
            return new Attempt(tried, said.Count == 0 ? null : string.Join("; ", said));
        }
        catch (Exception e) when (e is PlaywrightException or TimeoutException or BenchmarkException)
        {
            var shown = page.IsClosed ? "" : await page.InnerTextAsync("body");
            return new Attempt(tried, string.Join("; ", [e.Message, .. said, $"shown: {shown}"]));
        }
        finally
        {
            await context.CloseAsync();
        }
    }

    private static async Task ReloadAsync(IPage page, Product product)
    {
        await AskAsync(page, product, "reload", tokens: 400);
        var length = await GrownAsync(page, 0);
        await page.ReloadAsync();
        await GrownAsync(page, length);
        await IsAsync(page, "ready");
        await ShowsTheWholeAsync(page, product);
    }

    private static async Task ReloadEndedAsync(IPage page, Product product)
    {
        await AskAsync(page, product, "ended", tokens: 20);
        await IsAsync(page, "ready");
        await page.RunAndWaitForResponseAsync(() => page.ReloadAsync(), new Regex("/api/chat/ended/stream"));
        await IsAsync(page, "ready");
        await ShowsTheWholeAsync(page, product);
    }

    private static async Task StopAsync(IPage page, Product product)
    {
        await AskAsync(page, product, "stopped", tokens: 10_000);
        var length = await GrownAsync(page, 0);

        var second = await page.Context.NewPageAsync();
        await second.GotoAsync(AddressOf(product, "stopped", 10_000));
        await GrownAsync(second, length);
        await second.ClickAsync("#stop");

        foreach (var tab in (IPage[])[page, second])
        {
            await IsAsync(tab, "ready");
            await ShowsTheWholeAsync(tab, product);
        }
    }

    private static string AddressOf(Product product, string chat, int tokens) =>
        $"{product.Pages}/index.html?server={product.Replicas[0]}&chat={chat}&tokens={tokens}";

    private static async Task AskAsync(IPage page, Product product, string chat, int tokens)
    {
        await page.GotoAsync(AddressOf(product, chat, tokens));
        await IsAsync(page, "ready");
        await page.FillAsync("input", "What does a reader have after a cut?");
        await page.Keyboard.PressAsync("Enter");
        await page.WaitForSelectorAsync(".assistant");
    }

    private static Task<IElementHandle?> IsAsync(IPage page, string status) =>
        page.WaitForSelectorAsync($"main[data-status={status}]");

    /// <summary>Waits until the answer is longer, and returns its length.</summary>
    private static async Task<int> GrownAsync(IPage page, int length)
    {
        await page.WaitForFunctionAsync(
            "length => document.querySelector('.assistant')?.textContent.length > length",
            length
        );
        return (await page.TextContentAsync(".assistant"))!.Length;
    }

    /// <summary>Compares the page's only answer with the server's text.</summary>
    private static async Task ShowsTheWholeAsync(IPage page, Product product)
    {
        var answers = await page.QuerySelectorAllAsync(".assistant");
        if (answers.Count != 1)
            throw new BenchmarkException($"The page shows {answers.Count} answers.");

        var id = await answers[0].GetAttributeAsync("id");
        using var generation = JsonDocument.Parse(
            await Http.GetStringAsync(new Uri($"{product.Replicas[1]}/v1/generations/{id}"))
        );
        var text = generation.RootElement.GetProperty("text").GetString();
        await page.WaitForFunctionAsync("text => document.querySelector('.assistant').textContent === text", text);
    }
}
