using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Pictures;

/// <summary>Aspire's dashboard with this system in it.</summary>
internal static class DashboardPictures
{
    public static async Task ResourcesAsync(PictureSystem system, Camera camera, string name)
    {
        var page = await camera.ShowAsync(system.DashboardLogin, width: 1440, height: 720);
        // It starts last. The number of running resources says nothing: the dashboard shows its own now and then.
        var last = page.GetByRole(AriaRole.Row).Filter(new() { HasText = "webfrontend" });
        await Expect(last).ToContainTextAsync("Running");

        await Camera.TakeAsync(page, name);
    }

    /// <summary>Publishes events on the page Events and follows the newest one's link to its trace. The first events
    /// of a new process would show how long its code takes to compile.</summary>
    public static async Task TraceAsync(PictureSystem system, Camera camera, string name)
    {
        var readers = await system.ReadEverywhereAsync("demo.>");
        var dashboard = await camera.ShowAsync(system.DashboardLogin, width: 1440, height: 420);
        var events = await dashboard.Context.NewPageAsync();

        await events.GotoAsync(system.Page("/events?topic=demo.%3E").ToString());
        await Expect(events.Locator("#state")).ToHaveAttributeAsync("data-state", "open");

        for (var published = 1; published <= 20; published++)
        {
            await events.Locator("#publish button").ClickAsync();
            await Expect(events.Locator("#rows summary")).ToHaveCountAsync(published);
        }

        await events.Locator("#rows summary").First.ClickAsync();
        var trace = await events.Locator("#rows .trace").GetAttributeAsync("href");
        await events.CloseAsync();

        // The replicas export their spans every few seconds, and the Redis client every ten.
        var redis = dashboard.GetByText("PUBLISH", new() { Exact = false });
        var fanouts = dashboard.GetByText("sse fan-out", new() { Exact = true });
        await dashboard.GotoAsync(trace!);

        while (await fanouts.CountAsync() < readers.Count || await redis.CountAsync() == 0)
        {
            // The page draws its rows some time after it has loaded.
            await dashboard.ReloadAsync();
            await Task.Delay(TimeSpan.FromSeconds(2));
        }

        await Camera.TakeAsync(dashboard, name);

        foreach (var reader in readers)
            await reader.DisposeAsync();
    }
}
