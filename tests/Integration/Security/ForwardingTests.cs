using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using Harness;

namespace Integration.Security;

/// <summary>The frontend forwards only known headers of a request to <c>/api/…</c> and of its response.</summary>
public sealed class ForwardingTests : IAsyncLifetime
{
    /// <summary>Generous for a busy machine, and far below every timeout of the frontend.</summary>
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(10);

    private SilentStreamApi _streamApi = null!;
    private ServiceProcess _frontend = null!;
    private Site _site = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _streamApi = await SilentStreamApi.StartAsync(Cancelled);
        _frontend = await Site.StartAsync(_streamApi.Url, ("SignIn__Enabled", "true"));
        _site = new Site(_frontend.Url);
        Assert.Equal(HttpStatusCode.Redirect, (await _site.SignInAsync(SilentStreamApi.Credential)).StatusCode);
    }

    public async ValueTask DisposeAsync()
    {
        _site.Dispose();
        await _frontend.DisposeAsync();
        await _streamApi.DisposeAsync();
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task StreamApi_gets_the_credential_of_the_sign_in_and_of_a_pages_headers_only_those_it_knows(
        string method
    )
    {
        using var client = _site.Streaming();
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(_frontend.Url, "/api/headers"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "another-key");
        string[] known = ["Accept", "Cache-Control", "Idempotency-Key", "Last-Event-ID"];
        string[] unknown = ["X-Api-Key", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Other", "Origin"];
        foreach (var name in known.Concat(unknown))
            request.Headers.TryAddWithoutValidation(name, "7");
        request.Headers.Add("X-Forwarded-Proto", "https");
        request.Headers.TryAddWithoutValidation("Connection", "Upgrade");
        request.Headers.TryAddWithoutValidation("Upgrade", "websocket");
        if (method == "POST")
            request.Content = new StringContent("{}", Encoding.UTF8, "application/json");

        using var response = await client.SendAsync(request, Cancelled);
        var headers = (await response.Content.ReadFromJsonAsync<Dictionary<string, string>>(Cancelled))!;
        Assert.Equal($"Bearer {SilentStreamApi.Credential}", headers["Authorization"]);
        Assert.Equal(request.Content?.Headers.ContentType?.ToString(), headers.GetValueOrDefault("Content-Type"));
        foreach (var name in known)
            Assert.Equal((name, "7"), (name, headers.GetValueOrDefault(name)));
        // HTTP's own, and the trace.
        string[] others = ["Authorization", "Content-Type", "Host", "Transfer-Encoding", "traceparent"];
        Assert.Empty(headers.Keys.Except([.. known, .. others]));
    }

    [Fact]
    public async Task A_page_gets_of_StreamApis_headers_only_those_it_knows()
    {
        using var response = await _site.GetAsync("/api/headers");
        Assert.Equal("7", Assert.Single(response.Headers.GetValues("X-Request-Id")));
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        foreach (var name in (string[])["X-Internal", "Set-Cookie", "Access-Control-Allow-Origin"])
            Assert.False(response.Headers.Contains(name), name);
    }

    [Fact]
    public async Task The_head_and_the_first_event_of_a_stream_reach_the_page_at_once()
    {
        await using var silent = await OpenAsync("/api/open?silent");
        await using var open = await OpenAsync("/api/open");
        await open.WaitForEventsAsync(1);
        Assert.Equal("one", Assert.Single(open.Events).Data);
        Assert.Empty(silent.Frames);
    }

    [Fact]
    public async Task A_page_that_closes_its_stream_or_its_request_closes_StreamApis_too()
    {
        await using (var open = await OpenAsync("/api/open"))
            await open.WaitForEventsAsync(1);
        Assert.True(await _streamApi.Closed.WaitAsync(AtOnce, Cancelled));

        using var client = _site.Streaming();
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var waiting = client.GetAsync(new Uri(_frontend.Url, "/api/silent"), leaving.Token);
        await _streamApi.Arrived.WaitAsync(Cancelled);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.True(await _streamApi.Closed.WaitAsync(AtOnce, Cancelled));
    }

    /// <summary>The forwarder's own limit is 100 s.</summary>
    [Fact, Trait("Takes", "long")]
    public async Task A_stream_without_events_is_not_cut()
    {
        await using var silent = await OpenAsync("/api/open?silent");
        Assert.False(await _streamApi.Closed.WaitAsync(TimeSpan.FromSeconds(105), Cancelled));
    }

    [Fact]
    public async Task Without_StreamApi_a_page_gets_a_problem_that_says_so()
    {
        await _streamApi.DisposeAsync();
        using var refused = await _site.GetAsync("/api/headers");
        Assert.Equal(HttpStatusCode.BadGateway, refused.StatusCode);
        Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);
        Assert.Contains(
            "StreamApi does not answer.",
            await refused.Content.ReadAsStringAsync(Cancelled),
            StringComparison.Ordinal
        );
    }

    private Task<SseReader> OpenAsync(string path) =>
        SseReader.OpenAsync(_frontend.Url, path, client: _site.Streaming());
}
