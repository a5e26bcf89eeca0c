using System.Net;
using System.Net.Http.Json;
using Harness;

namespace Integration.Security;

/// <summary>The headers and cookies of the pages, as in Production behind an HTTPS proxy.</summary>
public sealed class FrontendTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    [Fact]
    public async Task A_page_runs_only_scripts_of_its_origin_cannot_be_framed_and_stays_on_https()
    {
        await using var frontend = await Site.StartAsync("https://api.example");
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(frontend.Url, "/events"))
        {
            Headers = { Host = "pages.example" },
        };

        request.Headers.Add("X-Forwarded-Proto", "https");
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);

        var policy = Header(response, "Content-Security-Policy").Split("; ");
        Assert.Contains("default-src 'self'", policy);
        Assert.Contains("connect-src 'self' https://api.example", policy);
        Assert.Contains("object-src 'none'", policy);
        Assert.Contains("base-uri 'none'", policy);
        Assert.Contains("form-action 'self'", policy);
        Assert.Contains("frame-ancestors 'none'", policy);
        Assert.DoesNotContain(policy, p => p.Contains("unsafe", StringComparison.Ordinal) || p.Contains('*'));
        Assert.Equal("nosniff", Header(response, "X-Content-Type-Options"));
        Assert.Equal("no-referrer", Header(response, "Referrer-Policy"));
        Assert.Equal("same-origin", Header(response, "Cross-Origin-Opener-Policy"));
        Assert.Equal("max-age=31536000", Header(response, "Strict-Transport-Security"));

        var page = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotContain("style=\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("onclick=", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signed_in_user_reaches_StreamApi_through_the_pages_site_and_no_script_has_the_credential()
    {
        var frontend = await shared.World.PagesAsync();
        using var site = new Site(frontend.Url);

        await site.LeadsToAsync("/sign-in?to=%2Fconnections", "/connections");
        await site.ExpectAsync(401, "/status");
        await site.ExpectAsync(401, "/api/v1/replicas");
        await site.ExpectAsync(200, "/alive", accept: "*/*");

        // The credential is one that StreamApi knows.
        Assert.Equal(HttpStatusCode.OK, (await site.SignInAsync("no such key")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await site.SignInAsync("no-such-key")).StatusCode);
        Assert.DoesNotContain("__Host-signed-in", site.Cookies.Keys);

        using var entered = await site.SignInAsync(SecureSystem.OperatorKey);
        Assert.Equal(HttpStatusCode.Redirect, entered.StatusCode);
        var cookie = Assert.Single(
            entered.Headers.GetValues("Set-Cookie"),
            c => c.StartsWith("__Host-signed-in=", StringComparison.Ordinal)
        );

        foreach (var attribute in (string[])["; path=/", "; secure", "; samesite=strict", "; httponly"])
            Assert.Contains(attribute, cookie, StringComparison.Ordinal);

        Assert.DoesNotContain(SecureSystem.OperatorKey, cookie, StringComparison.Ordinal);

        var page = await site.ExpectAsync(200, "/events", accept: "text/html");
        Assert.Contains("data-stream-api=\"https://pages.example/api\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain(SecureSystem.OperatorKey, page, StringComparison.Ordinal);
        await site.ExpectAsync(200, "/api/v1/connections");
        await site.ExpectAsync(403, "/api/v1/connections", from: "cross-site");

        // Headers that the pages need: a repeated question is answered once, and a refused method names those allowed.
        using var client = site.Streaming();
        client.DefaultRequestHeaders.Add("Idempotency-Key", $"{Guid.NewGuid():N}");
        var question = new { provider = "demo", messages = new[] { new { role = "user", content = "Once?" } } };
        var address = new Uri(frontend.Url, "/api/v1/generations");
        using var first = await client.PostAsJsonAsync(address, question, TestContext.Current.CancellationToken);
        using var again = await client.PostAsJsonAsync(address, question, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.Created, first.Headers.Location), (again.StatusCode, again.Headers.Location));
        using var refused = await client.DeleteAsync(address, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, refused.StatusCode);
        Assert.Contains("POST", refused.Content.Headers.Allow);

        // The credential is never sent to another host, whatever the path looks like.
        foreach (var path in (string[])["/api/%5C127.0.0.1:1/", "/api//127.0.0.1:1/", "/api/http://127.0.0.1:1/"])
            await site.ExpectAsync(404, path);

        var topic = $"orders.{Guid.NewGuid():N}";
        await using var reader = await SseReader.OpenAsync(
            frontend.Url,
            $"/api/v1/events/stream?topic={topic}",
            client: site.Streaming()
        );
        await reader.WaitAsync(r => r.LastId is not null);
        await SecureSystem.PublishAsync(shared.World.B, new EventBody(topic, "n", "はい"));
        await reader.WaitForEventsAsync(1);
        Assert.Equal("\"はい\"", Assert.Single(reader.Events).Data);
    }

    [Fact]
    public async Task Without_a_sign_in_a_production_server_reveals_nothing()
    {
        await using var frontend = await Site.StartAsync(
            "https://api.example",
            ("services__streamapi__http__0", shared.World.A.ToString()),
            ("StreamApi__ApiKey", SecureSystem.OperatorKey)
        );

        using var site = new Site(frontend.Url);

        foreach (
            var path in (string[])
                [
                    "/status",
                    "/status?after=0",
                    "/patterns/reader?perSecond=10",
                    "/api/v1/replicas",
                    "/api/v1/replicas.css",
                    "/load/reports",
                ]
        )
        {
            using var answer = await site.GetAsync(path, accept: "application/json");
            Assert.True(
                answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.NotFound,
                $"{path}: {answer.StatusCode}"
            );

            Assert.DoesNotContain(
                "127.0.0.1",
                await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
                StringComparison.Ordinal
            );
        }

        foreach (var open in (string[])["/", "/events", "/Shell/App.razor.css", "/health"])
            await site.ExpectAsync(200, open, accept: "text/html");
    }

    [Fact]
    public async Task An_extension_in_a_path_opens_nothing_but_a_file_that_pages_are_made_of()
    {
        using var site = new Site((await shared.World.PagesAsync()).Url);

        foreach (var asset in (string[])["/Shell/App.razor.css", "/Shell/App.razor.js", "/mark.svg"])
            await site.ExpectAsync(200, asset, accept: "*/*");

        foreach (
            var path in (string[])
                ["/patterns/reader/x.css", "/api/v1/models.css", "/nowhere.css", "/connections.css", "/load/stream.js"]
        )
        {
            await site.ExpectAsync(401, path);
            await site.LeadsToAsync("/sign-in", path);
        }
    }

    [Fact]
    public async Task Sign_out_ends_the_streams_of_its_visit_and_not_those_of_another_visit()
    {
        var frontend = await shared.World.PagesAsync();
        using var site = new Site(frontend.Url);

        using var elsewhere = new Site(frontend.Url);
        foreach (var visit in (Site[])[site, elsewhere])
            Assert.Equal(HttpStatusCode.Redirect, (await visit.SignInAsync(SecureSystem.OperatorKey)).StatusCode);

        var topic = $"orders.{Guid.NewGuid():N}";
        await using var reader = await SseReader.OpenAsync(
            frontend.Url,
            $"/api/v1/events/stream?topic={topic}",
            client: site.Streaming()
        );

        await using var other = await SseReader.OpenAsync(
            frontend.Url,
            $"/api/v1/events/stream?topic={topic}",
            client: elsewhere.Streaming()
        );
        foreach (var open in (SseReader[])[reader, other])
            await open.WaitAsync(r => r.LastId is not null);

        using var copied = site.Streaming();
        Assert.Equal(HttpStatusCode.Redirect, (await site.SignOutAsync()).StatusCode);
        await reader.WaitForEndAsync();

        using var refused = await copied.GetAsync(
            new Uri(frontend.Url, "/api/v1/models"),
            TestContext.Current.CancellationToken
        );
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.DoesNotContain("__Host-signed-in", site.Cookies.Keys);
        await SecureSystem.PublishAsync(shared.World.B, new EventBody(topic, "n", 1));
        await other.WaitForEventsAsync(1);
        Assert.Empty(reader.Events);
    }

    [Fact]
    public async Task After_a_token_has_expired_the_next_page_asks_to_sign_in()
    {
        var frontend = await shared.World.PagesAsync();

        // Warms the process up first, because the token lives for some seconds only.
        using (var first = new Site(frontend.Url))
        {
            await first.SignInAsync(Tokens.Of("ann", [">"]));
            await first.GetAsync("/events");
        }

        using var site = new Site(frontend.Url);
        Assert.Equal(
            HttpStatusCode.Redirect,
            (await site.SignInAsync(Tokens.Of("ann", [">"], life: TimeSpan.FromSeconds(5)))).StatusCode
        );
        await site.ExpectAsync(200, "/events", accept: "text/html");
        await Eventually.HoldsAsync(
            async () =>
                (await site.GetAsync("/api/v1/models", accept: "application/json")).StatusCode
                == HttpStatusCode.Unauthorized,
            "the token ends"
        );
        await site.LeadsToAsync("/sign-in?to=%2Fevents", "/events");
    }

    private static string Header(HttpResponseMessage response, string name) =>
        Assert.Single(response.Headers.GetValues(name));
}
