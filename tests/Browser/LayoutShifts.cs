using Microsoft.Playwright;

namespace Browser;

/// <summary>Records how far the pages of a profile move what one reads (https://web.dev/articles/cls).</summary>
internal static class LayoutShifts
{
    private const double Good = 0.1;

    /// <summary>Begins with the first frame of each page that is opened from now on.</summary>
    public static Task RecordAsync(IBrowserContext context) =>
        context.AddInitScriptAsync(
            """
            window.shifts = [];
            const nameOf = ({ node }) => node?.id || node?.className || node?.nodeName;
            new PerformanceObserver((list) => {
              for (const { value, hadRecentInput, sources } of list.getEntries())
                if (!hadRecentInput) shifts.push({ value, moved: sources.map(nameOf).join(' ') });
            }).observe({ type: 'layout-shift', buffered: true });
            """
        );

    public static async Task AreSmallAsync(IPage page, string state = "")
    {
        // An entry comes after its frame.
        await page.EvaluateAsync("() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))");
        var sum = await page.EvaluateAsync<double>("shifts.reduce((sum, { value }) => sum + value, 0)");
        var moved = await page.EvaluateAsync<string[]>(
            "shifts.map(({ value, moved }) => `${value.toFixed(3)} ${moved}`)"
        );
        Assert.True(sum < Good, $"{state} {page.ViewportSize!.Width} px wide: {sum:F3}: {string.Join("; ", moved)}");
    }
}
