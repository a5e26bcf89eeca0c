using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Pictures;

/// <summary>Pages that show the system under load.</summary>
internal static class BusyPictures
{
    public static async Task ConnectionsAsync(PictureSystem system, Camera camera, string name)
    {
        await system.LoadAsync();
        var page = await camera.ShowAsync(system.Page("/connections"), ColorScheme.Dark, height: 840);
        await Camera.ShowsAtLeastAsync(page, "#open", 150);
        await Camera.ShowsAtLeastAsync(page, "#deliveries", 500);
        await system.HasEventsAsync(600);
        await Expect(page.Locator("#rows .p99").First).Not.ToHaveTextAsync("–");
        await Camera.TakeAsync(page, name);
    }

    public static async Task OverviewAsync(PictureSystem system, Camera camera, string name)
    {
        await system.LoadAsync();
        var page = await camera.ShowAsync(system.Page("/"), width: 1440);
        await system.HasEventsAsync(1_400);
        await Camera.ShowsAtLeastAsync(page, "#delivered", 500);
        await Expect(page.Locator("#replica-rows [data-mode=live]")).ToHaveCountAsync(2);
        await Expect(page.Locator("#chart-returns .legend li")).ToHaveCountAsync(2);
        await Camera.TakeAsync(page, name, whole: true);
    }
}
