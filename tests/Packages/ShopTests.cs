using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Harness.Worlds;
using Microsoft.Playwright;
using Stack;
using static Microsoft.Playwright.Assertions;

namespace Packages;

public sealed class ShopTests(MadePackages made)
{
    internal const string Staff = "staff@example.com",
        Password = "Tea-for-2!";

    [Fact]
    public async Task A_customer_follows_an_order_and_shares_it()
    {
        var chromium = await Chromium.GetAsync();
        Assert.SkipWhen(chromium.Path is null, chromium.Reason);
        var database = await Stores.Shared.CreateDatabaseAsync(TestContext.Current.CancellationToken);
        await using var shop = await RunningSample.StartAsync(
            await made.BuildSampleAsync("Shop"),
            database.ConnectionString
        );
        using var staff = await SignInAsync(shop, Staff);
        using var driver = await Playwright.CreateAsync();
        await using var browser = await driver.Chromium.LaunchAsync(
            new() { ExecutablePath = chromium.Path, Args = ["--no-sandbox", "--disable-gpu"] }
        );

        var page = await browser.NewPageAsync();
        await page.GotoAsync(shop.Address.ToString());
        await page.GetByLabel("E-mail").FillAsync("customer@example.com");
        await page.GetByLabel("Password").FillAsync(Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Register" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("Registered. Now sign in.");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Order" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Listitem)).ToContainTextAsync("Tea: ordered");

        // Somebody without an account opens the customer's link: a ticket of one order.
        await page.GetByRole(AriaRole.Button, new() { Name = "Share" }).ClickAsync();
        var link = await page.GetByRole(AriaRole.Link).GetAttributeAsync("href");
        await using var other = await browser.NewContextAsync();
        var shared = await other.NewPageAsync();
        await shared.GotoAsync(new Uri(shop.Address, link).ToString());
        await Expect(shared.GetByRole(AriaRole.Listitem)).ToContainTextAsync("Tea: ordered");

        var order = link!.Split(['=', '&'])[1];
        using var shipped = await staff.PostAsync(new Uri($"/orders/{order}/ship", UriKind.Relative), content: null);
        Assert.Equal(HttpStatusCode.OK, shipped.StatusCode);
        await Expect(page.GetByRole(AriaRole.Listitem)).ToContainTextAsync("Tea: shipped");
        await Expect(shared.GetByRole(AriaRole.Listitem)).ToContainTextAsync("Tea: shipped");

        // Nobody else's order, and nothing of the staff's.
        using var foreign = await SignInAsync(shop, "foreign@example.com");
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(foreign, $"/orders/{order}/events"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(foreign, "/events"));
    }

    /// <summary>Registers somebody, who signs in with a token.</summary>
    internal static async Task<HttpClient> SignInAsync(RunningSample shop, string email)
    {
        var client = new HttpClient { BaseAddress = shop.Address };
        using var registered = await client.PostAsJsonAsync("/register", new { email, password = Password });
        registered.EnsureSuccessStatusCode();

        using var signedIn = await client.PostAsJsonAsync("/login", new { email, password = Password });
        var token = (await signedIn.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("accessToken").GetString();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);

        return client;
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(
            new Uri(path, UriKind.Relative),
            HttpCompletionOption.ResponseHeadersRead
        );
        return answer.StatusCode;
    }
}
