using System.Net;

namespace Adopter.Middleware;

/// <summary>Requests that pages of other sites make a visitor's browser send to an application that has the gateway and
/// does nothing against them itself.</summary>
public sealed class CrossSiteTests : IAsyncLifetime
{
    private const string Default = "https://default.example",
        Own = "https://own.example",
        Named = "https://named.example",
        Evil = "https://evil.example";

    private int _begun;
    private WebApplication _app = null!;
    private HttpClient _client = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string> Others => ["cross-site", "same-site", "a value of a later standard"];

    public async ValueTask InitializeAsync()
    {
        var builder = await OrdersBuilder.CreateAsync(LogLevel.Warning);
        builder.AddSse();
        builder.AddLlmGateway();
        builder.Services.AddAuthentication("cookie").AddCookie("cookie");
        builder.Services.AddAuthorization();
        builder.Services.AddCors(cors =>
        {
            cors.AddDefaultPolicy(policy => policy.WithOrigins(Default).AllowCredentials());
            cors.AddPolicy("named", policy => policy.WithOrigins(Named).AllowAnyHeader().AllowAnyMethod());
            cors.AddPolicy("anybody", policy => policy.AllowAnyOrigin());
        });

        _app = builder.Build();
        _app.UseStatusCodePagesWithRedirects("/error");
        _app.UseCors("named");
        _app.MapPost("/sign-in", () => TypedResults.SignIn(Users.Named("ann")));
        _app.MapSseTickets();
        _app.MapGet("/asked", () => TypedResults.StartedRunStream("asked", (_, _) => BeginAsync()))
            .RequireAuthorization();
        _app.MapGet("/begun", () => TypedResults.EventStream(["begun.all"], bounds: new() { Begin = BeginAsync }))
            .RequireAuthorization();
        _app.MapLlmGateway().RequireAuthorization();
        _app.MapGroup("/own").RequireCors(policy => policy.WithOrigins(Own)).MapLlmGateway().RequireAuthorization();
        _app.MapGroup("/anybody").RequireCors("anybody").MapLlmGateway().RequireAuthorization();

        await _app.StartAsync(Stop);
        _client = new HttpClient { BaseAddress = new Uri(_app.Urls.First()) };
        using var signedIn = await _client.PostAsync("/sign-in", content: null, Stop);
        signedIn.EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }

    /// <summary>An image, a link, a form and a script of another page, with the visitor's cookie.</summary>
    [Theory]
    [MemberData(nameof(Others))]
    public async Task A_page_of_another_origin_starts_and_changes_nothing(string site)
    {
        (HttpMethod, string)[] requests =
        [
            (HttpMethod.Get, "/stream?prompt=pay"),
            (HttpMethod.Post, "/stream?prompt=pay"),
            (HttpMethod.Post, "/session"),
            (HttpMethod.Post, "/message/7"),
            (HttpMethod.Post, "/v1/generations"),
            (HttpMethod.Delete, "/v1/generations/7"),
            (HttpMethod.Post, "/sse/chat"),
            (HttpMethod.Post, "/sse/backpressure-chat"),
            (HttpMethod.Post, "/v1/chat/completions"),
            (HttpMethod.Post, "/v1/messages"),
            (HttpMethod.Post, "/v1/messages/count_tokens"),
            (HttpMethod.Get, "/stream/7"),
            (HttpMethod.Post, "/stream-tickets"),
            (HttpMethod.Get, "/asked"),
            (HttpMethod.Get, "/begun"),
        ];

        foreach (var (method, path) in requests)
        foreach (var mode in (string[])["navigate", "no-cors", "cors"])
        foreach (var origin in (string?[])[null, "null", Evil])
            Assert.Equal(
                (method, path, mode, HttpStatusCode.Forbidden),
                (method, path, mode, await StatusAsync(method, path, site, mode, origin))
            );

        Assert.Equal(0, _begun);
    }

    [Theory]
    [InlineData("GET", "/v1/generations/7")]
    [InlineData("GET", "/v1/models")]
    [InlineData("GET", "/stream?prompt=hello")]
    [InlineData("POST", "/stream-tickets")]
    public async Task A_stranger_gets_a_status_and_no_page_for_people(string method, string path)
    {
        using var stranger = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(_client.BaseAddress!, path));
        using var answer = await stranger.SendAsync(request, Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Theory]
    [InlineData("same-origin")]
    [InlineData("none")]
    [InlineData(null)]
    public async Task The_visitor_and_clients_that_are_no_browser_may(string? site)
    {
        foreach (var path in (string[])["/stream?prompt=hello", "/asked", "/begun"])
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(HttpMethod.Get, path, site, "navigate", origin: null));
        await Eventually.HoldsAsync(() => _begun == 2, "the work of both has begun");
    }

    /// <summary>Over plain HTTP browsers state the origin of a POST only.</summary>
    [Theory]
    [InlineData("http://evil.example", false)]
    [InlineData("null", false)]
    [InlineData("file://", false)]
    [InlineData("http://127.0.0.1", false)]
    [InlineData(Own, false)]
    [InlineData(Default, true)]
    [InlineData("", true)]
    public async Task Without_the_site_the_origin_decides(string origin, bool may)
    {
        var status = await StatusAsync(
            HttpMethod.Post,
            "/session",
            site: null,
            mode: null,
            origin.Length > 0 ? origin : _client.BaseAddress!.GetLeftPart(UriPartial.Authority)
        );
        Assert.Equal(may ? HttpStatusCode.OK : HttpStatusCode.Forbidden, status);
    }

    [Theory]
    [InlineData("shop.example", "http://shop.example", true)]
    [InlineData("shop.example:80", "http://shop.example", true)]
    [InlineData("SHOP.example", "http://shop.example", true)]
    [InlineData("shop.example", "https://shop.example", true)]
    [InlineData("shop.example:8443", "https://shop.example:8443", true)]
    [InlineData("[::1]:8080", "http://[::1]:8080", true)]
    [InlineData("shop.example", "http://shop.example:8080", false)]
    [InlineData("shop.example", "http://shop.example.evil", false)]
    public async Task The_own_origin_is_that_of_the_requests_host(string host, string origin, bool may)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/session");
        request.Headers.Host = host;
        request.Headers.Add("Origin", origin);
        using var answer = await _client.SendAsync(request, Stop);
        Assert.Equal(may ? HttpStatusCode.OK : HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Theory]
    [InlineData("/stream?prompt=hello", Default, HttpStatusCode.OK)]
    [InlineData("/stream?prompt=hello", Own, HttpStatusCode.Forbidden)]
    [InlineData("/own/stream?prompt=hello", Own, HttpStatusCode.OK)]
    [InlineData("/own/stream?prompt=hello", Default, HttpStatusCode.Forbidden)]
    [InlineData("/anybody/stream?prompt=hello", Evil, HttpStatusCode.Forbidden)]
    public async Task A_page_may_whose_origin_the_endpoints_CORS_policy_names(
        string path,
        string origin,
        HttpStatusCode expected
    ) => Assert.Equal(expected, await StatusAsync(HttpMethod.Get, path, "cross-site", "cors", origin));

    /// <summary>A browser sends JSON of another origin only after a preflight, which <c>UseCors(…)</c> answers with a
    /// policy that nothing else knows.</summary>
    [Fact]
    public async Task A_page_may_whose_request_the_application_has_allowed_in_a_preflight()
    {
        foreach (var (site, mode) in ((string?, string?)[])[("cross-site", "cors"), (null, null)])
        {
            using var question = JsonContent.Create(
                new { model = "demo", messages = new[] { new { role = "user", content = "Where?" } } }
            );
            Assert.Equal(
                HttpStatusCode.Created,
                await StatusAsync(HttpMethod.Post, "/v1/generations", site, mode, Named, question)
            );
        }
    }

    /// <summary>Only a script sends a token of its own, and only after a preflight: not what a browser keeps for a
    /// site.</summary>
    [Theory]
    [InlineData("Bearer token", Named, "cors", HttpStatusCode.OK)]
    [InlineData("", Named, "cors", HttpStatusCode.Forbidden)]
    [InlineData("Basic YTpi", Named, "cors", HttpStatusCode.Forbidden)]
    [InlineData("Bearer token", Named, "no-cors", HttpStatusCode.Forbidden)]
    [InlineData("Bearer token", null, "navigate", HttpStatusCode.Forbidden)]
    public async Task A_page_may_that_sends_a_token_of_its_own(
        string token,
        string? origin,
        string mode,
        HttpStatusCode expected
    )
    {
        _client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", token);
        foreach (var path in (string[])["/stream?prompt=hello", "/asked"])
            Assert.Equal(expected, await StatusAsync(HttpMethod.Get, path, "cross-site", mode, origin));
    }

    private Task BeginAsync()
    {
        Interlocked.Increment(ref _begun);
        return Task.CompletedTask;
    }

    private async Task<HttpStatusCode> StatusAsync(
        HttpMethod method,
        string path,
        string? site,
        string? mode,
        string? origin,
        HttpContent? body = null
    )
    {
        using var request = new HttpRequestMessage(method, path) { Content = body };
        if (site is not null)
            request.Headers.Add("Sec-Fetch-Site", site);
        if (origin is not null)
            request.Headers.Add("Origin", origin);
        if (mode is not null)
            request.Headers.Add("Sec-Fetch-Mode", mode);

        using var answer = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        return answer.StatusCode;
    }
}
