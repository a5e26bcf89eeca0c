using System.Collections.Concurrent;
using Microsoft.Playwright;
using Stack;

namespace Browser;

/// <summary>One Chromium for each test that runs at the same time, reused by later tests, because Playwright's objects
/// are for one user at a time. Each test gets its own profiles.</summary>
public sealed class BrowserFixture : IAsyncLifetime
{
    private readonly ConcurrentBag<IBrowser> _free = [];
    private readonly ConcurrentBag<IPlaywright> _drivers = [];
    private Chromium _chromium = new(null, "");

    public async ValueTask InitializeAsync()
    {
        _chromium = await Chromium.GetAsync();
        // Long, because machines that run tests are busy.
        Assertions.SetDefaultExpectTimeout(30_000);
    }

    /// <summary>Takes a browser that no other test uses until it is returned. Skips the test if there is no
    /// Chromium.</summary>
    public async Task<IBrowser> TakeAsync()
    {
        Assert.SkipWhen(_chromium.Path is null, _chromium.Reason);
        if (_free.TryTake(out var free))
            return free;
        var driver = await Playwright.CreateAsync();
        _drivers.Add(driver);
        // Root in a container cannot use a sandbox; the pages are our own. Emulating a GPU costs more than drawing
        // without one.
        string[] arguments = ["--no-sandbox", "--disable-gpu"];
        return await driver.Chromium.LaunchAsync(new() { ExecutablePath = _chromium.Path, Args = arguments });
    }

    public void GiveBack(IBrowser browser) => _free.Add(browser);

    public async ValueTask DisposeAsync()
    {
        foreach (var browser in _free)
            await browser.DisposeAsync();
        foreach (var driver in _drivers)
            driver.Dispose();
    }
}
