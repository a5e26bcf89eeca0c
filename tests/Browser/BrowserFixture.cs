using Microsoft.Playwright;

namespace Browser.Tests;

/// <summary>One Chromium for all tests; each test gets a profile of its own.</summary>
public sealed class BrowserFixture : IAsyncLifetime
{
    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private string _reason = "";

    public async ValueTask InitializeAsync()
    {
        var chromium = await Chromium.GetAsync();
        _reason = chromium.Reason;
        if (chromium.Path is null) return;
        _playwright = await Playwright.CreateAsync();
        // A container's root has no sandbox to give; the pages are our own.
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = chromium.Path, Args = ["--no-sandbox"] });
    }

    /// <summary>A new profile: no cookies, storage of its own. Skips the test where there is no Chromium.</summary>
    public async Task<IBrowserContext> OpenAsync(string language = "en-US", ColorScheme scheme = ColorScheme.Light, int width = 1280, int height = 900, bool ignoreHttpsErrors = false)
    {
        Assert.SkipWhen(_browser is null, _reason);
        var context = await _browser.NewContextAsync(new() { Locale = language, ColorScheme = scheme, ViewportSize = new() { Width = width, Height = height }, IgnoreHTTPSErrors = ignoreHttpsErrors });
        context.SetDefaultTimeout(15_000);
        return context;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
    }
}
