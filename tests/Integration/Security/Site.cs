using System.Text.RegularExpressions;

namespace Integration.Security;

/// <summary>Plays the browser of a visitor behind an HTTPS proxy: keeps cookies and follows no redirect.</summary>
internal sealed partial class Site(Uri frontend) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });

    public Dictionary<string, string> Cookies { get; } = [];

    /// <summary>Starts the frontend as in Production behind a proxy.</summary>
    public static Task<ServiceHost> StartAsync(string publicUrl, params (string Name, string Value)[] settings)
    {
        var all = Settings(publicUrl);
        foreach (var (name, value) in settings)
            all[name] = value;

        return ServiceHost.StartAsync(
            "WebFrontend",
            all,
            "http://127.0.0.1:0",
            clock: null,
            TestContext.Current.CancellationToken
        );
    }

    public static Dictionary<string, string> Settings(string publicUrl) =>
        new()
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true",
            ["StreamApi__PublicUrl"] = publicUrl,
        };

    public Task<HttpResponseMessage> GetAsync(string path, string accept = "text/html", string? from = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(frontend, path))
        {
            Headers = { { "Accept", accept } },
        };

        if (from is not null)
            request.Headers.Add("Sec-Fetch-Site", from);

        return SendAsync(request);
    }

    /// <summary>Checks the status of an answer, and returns its text.</summary>
    public async Task<string> ExpectAsync(
        int status,
        string path,
        string accept = "application/json",
        string? from = null
    )
    {
        using var response = await GetAsync(path, accept, from);
        Assert.Equal((path, status), (path, (int)response.StatusCode));
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Checks to which address an answer leads.</summary>
    public async Task LeadsToAsync(string address, string path)
    {
        using var response = await GetAsync(path);
        Assert.Equal((path, address), (path, response.Headers.Location?.OriginalString));
    }

    /// <summary>Opens the form, fills it in, and sends it.</summary>
    public Task<HttpResponseMessage> SignInAsync(
        string credential,
        bool antiforgery = true,
        string address = "/sign-in"
    ) => SendFormAsync(address, antiforgery, KeyValuePair.Create("credential", credential));

    /// <summary>Sends the same page's form for a signed-in visitor.</summary>
    public Task<HttpResponseMessage> SignOutAsync() => SendFormAsync("/sign-in", antiforgery: true);

    /// <summary>A client that sends the current cookies.</summary>
    public HttpClient Streaming()
    {
        var client = new HttpClient(new SocketsHttpHandler { UseCookies = false })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        client.DefaultRequestHeaders.Add("Cookie", CookieHeader);
        return client;
    }

    public void Dispose() => _http.Dispose();

    private string CookieHeader => string.Join("; ", Cookies.Select(c => $"{c.Key}={c.Value}"));

    private async Task<HttpResponseMessage> SendFormAsync(
        string address,
        bool antiforgery,
        params KeyValuePair<string, string>[] entered
    )
    {
        using var page = await GetAsync(address);
        var fields = Field()
            .Matches(await page.Content.ReadAsStringAsync())
            .ToDictionary(m => m.Groups["name"].Value, m => m.Groups["value"].Value);

        if (!antiforgery)
            fields.Remove("__RequestVerificationToken");

        return await SendAsync(
            new HttpRequestMessage(HttpMethod.Post, new Uri(frontend, address))
            {
                Content = new FormUrlEncodedContent(fields.Concat(entered)),
            }
        );
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request)
    {
        request.Headers.Host = "pages.example";
        request.Headers.Add("X-Forwarded-Proto", "https");

        if (Cookies.Count > 0)
            request.Headers.Add("Cookie", CookieHeader);

        var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        foreach (var set in response.Headers.TryGetValues("Set-Cookie", out var values) ? values : [])
        {
            var name = set[..set.IndexOf('=')];
            var value = set[(set.IndexOf('=') + 1)..set.IndexOf(';')];
            if (value.Length == 0)
                Cookies.Remove(name);
            else
                Cookies[name] = value;
        }

        return response;
    }

    [GeneratedRegex("""<input type="hidden" name="(?<name>[^"]+)" value="(?<value>[^"]*)" ?/>""")]
    private static partial Regex Field();
}
