using System.Globalization;
using Microsoft.Playwright;
using Stack;
using static Microsoft.Playwright.Assertions;

namespace Pictures;

/// <summary>A Chromium whose pictures depend on no setting of this machine: fixed size, scale, language and time
/// zone.</summary>
internal sealed class Camera(IPlaywright driver, IBrowser browser) : IAsyncDisposable
{
    private const int Timeout = 60_000; // milliseconds

    // artifacts/bin/Pictures/<configuration>/
    private static readonly string Folder = Path.GetFullPath(
        Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", "docs", "images")
    );

    public static async Task<Camera> OpenAsync()
    {
        if (await Chromium.GetAsync() is not { Path: { } path })
            throw new InvalidOperationException((await Chromium.GetAsync()).Reason);

        SetDefaultExpectTimeout(Timeout);
        var driver = await Playwright.CreateAsync();
        // Root in a container cannot use a sandbox; the pages are our own.
        var browser = await driver.Chromium.LaunchAsync(new() { ExecutablePath = path, Args = ["--no-sandbox"] });

        return new Camera(driver, browser);
    }

    /// <summary>Returns the names of missing fonts as a message, or null. Two different characters look the same if
    /// both are the box of a missing font.</summary>
    public async Task<string?> MissingFontsAsync()
    {
        var page = await browser.NewPageAsync();
        var missing = await page.EvaluateAsync<string[]>(
            """
            () => ["日本", "🐈🐕"].filter(pair => {
              const looks = [...pair].map(character => {
                const canvas = document.createElement("canvas");
                const pen = canvas.getContext("2d");
                pen.font = "40px sans-serif";
                pen.fillText(character, 0, 50);
                return canvas.toDataURL();
              });
              return looks[0] === looks[1];
            })
            """
        );
        await page.CloseAsync();

        return missing.Length == 0
            ? null
            : $"No font of this machine has {string.Join(", ", missing)}, which the pictures show. "
                + "Install them (Debian, Ubuntu: sudo apt-get install -y fonts-noto-cjk fonts-noto-color-emoji).";
    }

    /// <summary>Opens an address in a new profile.</summary>
    public async Task<IPage> ShowAsync(
        Uri address,
        ColorScheme scheme = ColorScheme.Light,
        int width = 1280,
        int height = 800
    )
    {
        var context = await browser.NewContextAsync(
            new()
            {
                Locale = "en-US",
                TimezoneId = "UTC",
                ColorScheme = scheme,
                DeviceScaleFactor = 1,
                ViewportSize = new() { Width = width, Height = height },
            }
        );
        context.SetDefaultTimeout(Timeout);

        var page = await context.NewPageAsync();
        await page.GotoAsync(address.ToString());
        return page;
    }

    /// <summary>Records what Chromium does meanwhile.</summary>
    public Task<Trace> TraceAsync(string[] categories, Func<Task> whileAsync) =>
        Trace.RecordAsync(browser, categories, whileAsync);

    /// <summary>Waits for the fonts, writes docs/images/<paramref name="name"/>.png, and closes the page's
    /// profile.</summary>
    public static async Task TakeAsync(IPage page, string name, bool whole = false)
    {
        await page.EvaluateAsync("() => document.fonts.ready.then(() => {})");
        var picture = await page.ScreenshotAsync(
            new() { FullPage = whole, Animations = ScreenshotAnimations.Disabled }
        );

        await KeepAsync(page, name + ".png", picture);
    }

    /// <summary>Records the page while the scene is played, writes docs/images/<paramref name="name"/>.webp, and closes
    /// the page's profile.</summary>
    public static async Task RecordAsync(IPage page, string name, Func<Task> scene)
    {
        await page.EvaluateAsync("() => document.fonts.ready.then(() => {})");
        var film = new Film(page);
        await film.RecordAsync(scene);

        await KeepAsync(page, name + ".webp", await film.DevelopAsync(hold: 2_000));
    }

    /// <summary>Waits until the number that an element shows is at least <paramref name="least"/>.</summary>
    public static Task ShowsAtLeastAsync(IPage page, string selector, int least) =>
        page.WaitForFunctionAsync(
            "([s, least]) => Number(document.querySelector(s).textContent.replace(/[^0-9.]/g, '')) >= least",
            new object[] { selector, least }
        );

    /// <summary>Waits until the text of an element has at least <paramref name="least"/> characters.</summary>
    public static Task HasTextAsync(IPage page, string selector, int least) =>
        page.WaitForFunctionAsync(
            "([s, least]) => document.querySelector(s)?.textContent.length >= least",
            new object[] { selector, least }
        );

    private static async Task KeepAsync(IPage page, string file, byte[] picture)
    {
        var path = Path.Combine(Folder, file);
        await File.WriteAllBytesAsync(path, picture);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{path}: {picture.Length / 1000} kB"));
        await page.Context.CloseAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await browser.DisposeAsync();
        driver.Dispose();
    }
}
