using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;

namespace Integration.Security;

/// <summary>The sign-in form: what it reads, what it says, and where it leads.</summary>
public sealed class SignInFormTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_form_beyond_the_limit_is_refused_before_it_is_read()
    {
        var frontend = await shared.World.PagesAsync();
        using var socket = new TcpClient();
        await socket.ConnectAsync(frontend.Url.Host, frontend.Url.Port, Cancelled);

        await using var connection = socket.GetStream();
        // The body is announced and never sent: only a refusal can answer.
        await connection.WriteAsync(
            Encoding.ASCII.GetBytes(
                "POST /sign-in HTTP/1.1\r\nHost: pages.example\r\nX-Forwarded-Proto: https\r\n"
                    + "Content-Length: 1000000\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
            ),
            Cancelled
        );

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        using var answer = new StreamReader(connection);

        Assert.StartsWith("HTTP/1.1 4", await answer.ReadLineAsync(limit.Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_large_change_passes_to_StreamApi_and_gets_its_answer()
    {
        var frontend = await shared.World.PagesAsync();
        using var site = new Site(frontend.Url);
        using var entered = await site.SignInAsync(SecureSystem.OperatorKey);
        using var client = site.Streaming();
        using var stored = await client.PostAsync(
            new Uri(frontend.Url, "/api/v1/events"),
            new StringContent(
                $$"""{"topic":"orders.large","type":"n","data":"{{new string('x', 100_000)}}"}""",
                Encoding.UTF8,
                "application/json"
            ),
            Cancelled
        );

        Assert.Equal(HttpStatusCode.Accepted, stored.StatusCode);
    }

    [Fact]
    public async Task A_form_without_a_valid_token_shows_the_form_again_and_says_why()
    {
        using var site = new Site((await shared.World.PagesAsync()).Url);
        using var refused = await site.SignInAsync(SecureSystem.OperatorKey, antiforgery: false);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        var page = await refused.Content.ReadAsStringAsync(Cancelled);
        Assert.Contains("id=\"credential\"", page, StringComparison.Ordinal);
        Assert.Contains("This form could not be accepted.", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sign_in_leads_to_the_wanted_page_and_never_to_another_site()
    {
        var frontend = await shared.World.PagesAsync();
        using var site = new Site(frontend.Url);
        var asked = (await site.GetAsync("/chat?id=1f&x=%2F")).Headers.Location!.OriginalString;

        Assert.Equal("/sign-in?to=%2Fchat%3Fid%3D1f%26x%3D%252F", asked);
        Assert.Equal("https://pages.example/chat?id=1f&x=%2F", await LandsAsync(asked));

        foreach (
            var elsewhere in (string[])
                [
                    "//evil.example/",
                    "/\\evil.example",
                    "https://evil.example",
                    "https:evil.example",
                    "/%09/evil.example",
                ]
        )
            Assert.StartsWith(
                "https://pages.example/",
                await LandsAsync($"/sign-in?to={Uri.EscapeDataString(elsewhere)}"),
                StringComparison.Ordinal
            );

        async Task<string> LandsAsync(string address)
        {
            using var visit = new Site(frontend.Url);
            using var entered = await visit.SignInAsync(SecureSystem.OperatorKey, address: address);
            Assert.Equal(HttpStatusCode.Redirect, entered.StatusCode);
            return entered.Headers.Location!.OriginalString;
        }
    }

    [Fact]
    public async Task While_StreamApi_is_silent_the_sign_in_says_that_it_does_not_answer()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var frontend = await Site.StartAsync($"http://{silent.LocalEndpoint}", ("SignIn__Enabled", "true"));
        using var site = new Site(frontend.Url);
        using var refused = await site.SignInAsync("any-key");

        Assert.Contains(
            "StreamApi does not answer.",
            await refused.Content.ReadAsStringAsync(Cancelled),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_sign_out_clears_what_the_pages_keep_in_the_browser()
    {
        using var site = new Site((await shared.World.PagesAsync()).Url);
        using var entered = await site.SignInAsync(SecureSystem.OperatorKey);
        using var left = await site.SignOutAsync();
        Assert.Equal("\"storage\"", Assert.Single(left.Headers.GetValues("Clear-Site-Data")));
    }

    [Fact]
    public async Task Over_http_the_page_says_that_the_browser_keeps_no_sign_in()
    {
        var frontend = await shared.World.PagesAsync();
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(frontend.Url, "/sign-in"))
        {
            Headers = { Host = "pages.example" },
        };
        using var response = await http.SendAsync(request, Cancelled);

        Assert.Contains(
            "Open it over HTTPS.",
            await response.Content.ReadAsStringAsync(Cancelled),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_page_of_another_site_starts_no_reader()
    {
        using var site = new Site((await shared.World.PagesAsync()).Url);
        using var entered = await site.SignInAsync(SecureSystem.OperatorKey);
        await site.ExpectAsync(403, "/patterns/reader?perSecond=10", "image/*", from: "cross-site");
    }

    [Fact]
    public async Task A_refusal_of_this_server_is_in_the_visitors_language()
    {
        var frontend = await shared.World.PagesAsync();
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Add("Accept-Language", "ja");

        using var refused = await http.GetAsync(new Uri(frontend.Url, "/api/v1/models"), Cancelled);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        var problem = await refused.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>(Cancelled);

        Assert.Equal("先に「サインイン」ページでサインインしてください。", problem.GetProperty("detail").GetString());
    }
}
