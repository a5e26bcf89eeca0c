using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Pictures;

/// <summary>The demos of the frontend, each in the state that its page is about.</summary>
internal static class FrontendPictures
{
    /// <summary>An order that was shipped, and one on its way.</summary>
    public static async Task PetstoreAsync(PictureSystem system, Camera camera, string name)
    {
        var pets = await system.GetAsync("/v1/pets");
        // Recommendations are scored from a customer's orders.
        foreach (var pet in pets.Skip(4).Take(3))
            await system.PostAsync("/v1/orders", new { petId = (string)pet!["id"]!, userId = "user-456" });

        var page = await camera.ShowAsync(system.Page("/petstore"), width: 1440);
        await IsLiveAsync(page);
        await Expect(page.Locator("[data-pet]")).ToHaveCountAsync(pets.Count);
        await system.ChangePriceAsync(pets[7]!, 0.96m);
        await system.ChangePriceAsync(pets[9]!, 1.05m);
        await Expect(page.Locator("#changes li")).ToHaveCountAsync(2);
        await OrderAsync(page, (string)pets[2]!["id"]!, "2");
        await Expect(page.Locator("#orders > li").First).ToHaveAttributeAsync("data-status", "shipped");
        await Expect(page.Locator("#scored")).ToContainTextAsync("ms");
        await OrderAsync(page, (string)pets[3]!["id"]!, "1");
        await Expect(page.Locator("#orders > li").First.Locator("[data-state=done]")).ToHaveCountAsync(2);
        await Camera.TakeAsync(page, name, whole: true);
    }

    public static async Task TasksAsync(PictureSystem system, Camera camera, string name)
    {
        foreach (
            var (title, status) in ((string, string)[])
                [
                    ("Walk the dogs", "done"),
                    ("Call the vet", "done"),
                    ("Clean the cat room", "in_progress"),
                    ("水槽の温度を確認する", "in_progress"),
                    ("Order bird seed", "todo"),
                    ("Feed the fish", "todo"),
                    ("Check the aquarium's filter", "todo"),
                ]
        )
            await system.CreateTaskAsync(title, status);

        var page = await camera.ShowAsync(system.Page("/tasks"), height: 620);
        await IsLiveAsync(page);
        await Expect(page.Locator(".card")).ToHaveCountAsync(7);
        await Camera.TakeAsync(page, name);
    }

    /// <summary>A source that was given up after three retries, and a reader that has paused the upstream three
    /// times.</summary>
    public static async Task PatternsAsync(PictureSystem system, Camera camera, string name)
    {
        var page = await camera.ShowAsync(system.Page("/patterns"), ColorScheme.Dark, width: 1440);
        await Expect(page.Locator("#source")).ToHaveAttributeAsync("data-source", "speaks");
        await page.Locator("[data-speed='20']").ClickAsync();
        await Camera.ShowsAtLeastAsync(page, "#received", 12);
        await page.Locator("#break").ClickAsync();
        await Expect(page.Locator("#wire")).ToContainTextAsync("< 204");
        await Camera.ShowsAtLeastAsync(page, "#pauses", 3);
        await Expect(page.Locator("#paused")).ToHaveAttributeAsync("data-paused", "true");
        await Camera.TakeAsync(page, name, whole: true);
    }

    /// <summary>An answer that goes on after a tunnel.</summary>
    public static async Task ChatAsync(PictureSystem system, Camera camera, string name)
    {
        var page = await camera.ShowAsync(system.Page("/chat"), height: 780);
        await Expect(page.Locator("#model optgroup").First).ToBeAttachedAsync();
        await page.Locator(".examples button").Last.ClickAsync();
        await Camera.HasTextAsync(page, ".answer .text", 300);
        await page.Locator("#tunnel").ClickAsync();
        await Expect(page.Locator("#breaks")).ToHaveTextAsync("1");
        await Expect(page.Locator("#phase")).ToHaveAttributeAsync("data-phase", "running");
        await Camera.HasTextAsync(page, ".answer .text", 1_200);
        await Camera.TakeAsync(page, name);
    }

    /// <summary>An answer that is asked for, loses its connection in mid-sentence, and goes on without a gap.</summary>
    public static async Task ResumeAsync(PictureSystem system, Camera camera, string name)
    {
        var page = await camera.ShowAsync(system.Page("/chat"), width: 1080, height: 840);
        await Expect(page.Locator("#model optgroup").First).ToBeAttachedAsync();

        await Camera.RecordAsync(
            page,
            name,
            async () =>
            {
                await page.WaitForTimeoutAsync(1_000); // for the eye
                await page.Locator(".examples button").Last.ClickAsync();
                await Camera.HasTextAsync(page, ".answer .text", 300);
                await page.Locator("#tunnel").ClickAsync();
                await Expect(page.Locator("#phase")).ToHaveAttributeAsync("data-phase", "tunnel");
                await Expect(page.Locator("#phase")).ToHaveAttributeAsync("data-phase", "running");
                await page.WaitForTimeoutAsync(1_500);
            }
        );
    }

    public static async Task AgentAsync(PictureSystem system, Camera camera, string name)
    {
        var page = await camera.ShowAsync(system.Page("/agent"), ColorScheme.Dark, height: 900);
        await Expect(page.Locator("#model optgroup").First).ToBeAttachedAsync();
        await page.Locator(".examples button").First.ClickAsync();
        await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "done");
        await Expect(page.Locator(".tool[data-state=done]")).ToHaveCountAsync(2);
        await Camera.TakeAsync(page, name);
    }

    private static async Task OrderAsync(IPage page, string pet, string quantity)
    {
        var orders = await page.Locator("#orders > li").CountAsync();
        await page.Locator($"[data-pet='{pet}']").ClickAsync();
        await page.Locator("#quantity").FillAsync(quantity);
        await page.Locator("#order button").ClickAsync();
        await Expect(page.Locator("#orders > li")).ToHaveCountAsync(orders + 1);
    }

    private static Task IsLiveAsync(IPage page) =>
        Expect(page.Locator("#state")).ToHaveAttributeAsync("data-state", "open");
}
