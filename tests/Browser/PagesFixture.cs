using System.Collections.Concurrent;
using Microsoft.Playwright;
using Stack;

namespace Browser;

/// <summary>
/// The system whose pages most tests open, and one Chromium for each test that runs at the same time, reused by later
/// tests, because Playwright's objects are for one user at a time. Each test gets its own profiles.
/// </summary>
public sealed class PagesFixture : IAsyncLifetime
{
    /// <summary>Shorter times for what a visitor watches and a test would wait for.</summary>
    private static readonly Dictionary<string, string> Quick = new()
    {
        ["AspireSse:Llm:Providers:Demo:TokensPerSecond"] = "20",
        ["Petstore:StepMilliseconds"] = "800",
        ["Resilient:IntervalMilliseconds"] = "250",
        ["Resilient:RetryMilliseconds"] = "250",
        ["AspireSse:Streaming:RetryMilliseconds"] = "250",
    };

    private readonly StoresFixture _stores = new();
    private readonly ConcurrentBag<IBrowser> _free = [];
    private readonly ConcurrentBag<IPlaywright> _drivers = [];
    private Chromium _chromium = new(null, "");
    private PagesSystem? _system;

    internal PagesSystem Shared => _system!;

    public async ValueTask InitializeAsync()
    {
        var chromium = Chromium.GetAsync();
        await _stores.InitializeAsync();
        _system = await PagesSystem.StartAsync(world => world.Replicas(2).Set(Quick));
        _chromium = await chromium;
        // Long, because machines that run tests are busy.
        Assertions.SetDefaultExpectTimeout(120_000);
    }

    /// <summary>Takes a browser that no other test uses until it is returned. Skips the test if there is no
    /// Chromium.</summary>
    public async Task<IBrowser> TakeBrowserAsync()
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
        if (_system is not null)
            await _system.DisposeAsync();

        await _stores.DisposeAsync();
    }
}
