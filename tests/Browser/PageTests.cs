using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

/// <summary>Base of the page tests: the system, a browser, and a check that the page reports no error.</summary>
public abstract class PageTests(PagesFixture pages) : IAsyncLifetime
{
    private readonly List<string> _errors = [];
    private readonly List<IBrowserContext> _contexts = [];
    private IBrowser? _browser;

    protected static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    internal Api Api { get; } = new(pages.Shared.StreamApi);

    protected Uri StreamApi => pages.Shared.StreamApi;

    protected Uri Frontend => pages.Shared.Frontend;

    /// <summary>A new profile: no cookies, storage of its own.</summary>
    protected async Task<IBrowserContext> ContextAsync(
        string language = "en-US",
        ColorScheme scheme = ColorScheme.Light,
        int width = 1280,
        int height = 900,
        bool ignoreHttpsErrors = false
    )
    {
        _browser ??= await pages.TakeBrowserAsync();
        var context = await _browser.NewContextAsync(
            new()
            {
                Locale = language,
                ColorScheme = scheme,
                ViewportSize = new() { Width = width, Height = height },
                IgnoreHTTPSErrors = ignoreHttpsErrors,
            }
        );
        _contexts.Add(context);
        context.SetDefaultTimeout(120_000);
        context.WebError += (_, error) => _errors.Add(error.Error);

        return context;
    }

    /// <summary>A profile with a clock that the test can put forward, for all its pages.</summary>
    protected async Task<IBrowserContext> ClockedAsync()
    {
        var context = await ContextAsync();
        await context.Clock.InstallAsync();
        return context;
    }

    /// <summary>A profile that forbids storage, in an insecure context (http, not localhost).</summary>
    protected async Task<IBrowserContext> RestrictedAsync()
    {
        var context = await ContextAsync();
        await context.AddInitScriptAsync(
            """
            delete Crypto.prototype.randomUUID;
            for (const name of ["localStorage", "sessionStorage"])
              Object.defineProperty(window, name, { get() { throw new DOMException("", "SecurityError"); } });
            """
        );

        return context;
    }

    protected async Task<IPage> OpenAsync(string path, IBrowserContext? context = null)
    {
        var page = await (context ?? await ContextAsync()).NewPageAsync();
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && message.Text.Contains("Content Security Policy", StringComparison.Ordinal))
                _errors.Add(message.Text);
        };
        await page.GotoAsync(new Uri(Frontend, path).ToString());

        return page;
    }

    /// <summary>Opens the page and waits for its stream: it must show everything published from now on.</summary>
    protected async Task<IPage> OpenLiveAsync(string path, IBrowserContext? context = null)
    {
        var page = await OpenAsync(path, context);
        await IsLiveAsync(page);
        return page;
    }

    /// <summary>Answers a request as StreamApi refuses one.</summary>
    protected static Task RefuseAsync(IRoute route, int status, string detail) =>
        route.FulfillAsync(
            new()
            {
                Status = status,
                ContentType = "application/problem+json",
                Body = $$"""{"detail":"{{detail}}"}""",
                Headers = new Dictionary<string, string> { ["Access-Control-Allow-Origin"] = "*" },
            }
        );

    /// <summary>Answers a request with a stream of these frames that ends.</summary>
    protected static Task StreamAsync(IRoute route, string frames) =>
        route.FulfillAsync(
            new()
            {
                ContentType = "text/event-stream",
                Body = frames,
                Headers = new Dictionary<string, string> { ["Access-Control-Allow-Origin"] = "*" },
            }
        );

    /// <summary>Waits for the page's stream: it must show everything published from now on.</summary>
    protected static Task IsLiveAsync(IPage page) =>
        Expect(page.Locator("#state")).ToHaveAttributeAsync("data-state", "open");

    /// <summary>Takes the network from the page's profile and ends its stream, until it waits for another.</summary>
    protected async Task CutOffAsync(IPage page, string topic)
    {
        // The browser refuses new requests; the server's end of the old connection shows that it is gone.
        await page.Context.SetOfflineAsync(true);
        await Api.CloseAsync(topic);
        await Expect(page.Locator("#state")).ToHaveAttributeAsync("data-state", "waiting");
    }

    /// <summary>Refuses a page's stream, and opens a new one by its button.</summary>
    protected async Task ConnectsNowAsync(string path, string stream, string shown)
    {
        var context = await ContextAsync();
        await context.RouteAsync(stream, route => RefuseAsync(route, 403, "Not with this token."));
        var page = await OpenAsync(path, context);
        await Expect(page.Locator("#state")).ToHaveAttributeAsync("data-state", "closed");
        await Expect(page.Locator("#reason")).ToContainTextAsync("Not with this token.");
        await Expect(page.GetByText("Loading the").Filter(new() { Visible = true })).ToHaveCountAsync(0);

        await context.UnrouteAllAsync();
        await page.Locator("#reconnect").ClickAsync();
        await IsLiveAsync(page);
        await Expect(page.Locator(shown).First).ToBeVisibleAsync();
    }

    /// <summary>Hides a page of a profile with such a clock for longer than it keeps its stream. In a headless browser
    /// no tab hides another, so the test sets its visibility.</summary>
    protected static async Task HideAsync(IPage page)
    {
        await SetHiddenAsync(page, true);
        await page.Clock.FastForwardAsync("00:06");
    }

    protected static Task ShowAsync(IPage page) => SetHiddenAsync(page, false);

    private static async Task SetHiddenAsync(IPage page, bool hidden) =>
        await page.EvaluateAsync(
            """
            hidden => {
              Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
              const value = hidden ? 'hidden' : 'visible';
                Object.defineProperty(document, 'visibilityState', { value, configurable: true });
              document.dispatchEvent(new Event('visibilitychange'));
            }
            """,
            hidden
        );

    /// <summary>Records each text that an element shows from now on: it may be gone when the test looks.</summary>
    protected static Task RecordAsync(ILocator element) =>
        element.EvaluateAsync(
            """
            element => {
              window.shown = [];
              new MutationObserver(() => shown.push(element.textContent))
                .observe(element, { childList: true, characterData: true, subtree: true });
            }
            """
        );

    /// <summary>Waits until the recorded element shows or has shown a text.</summary>
    protected static Task HasShownAsync(IPage page, string text) =>
        page.WaitForFunctionAsync("text => shown.includes(text)", text);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);

        foreach (var context in _contexts)
            await context.DisposeAsync();
        if (_browser is not null)
            pages.GiveBack(_browser);

        Api.Dispose();
        Assert.Empty(_errors);
    }
}
