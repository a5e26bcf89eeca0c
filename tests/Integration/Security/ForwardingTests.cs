using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;

namespace Integration.Security;

/// <summary>The frontend forwards only known headers of a request to <c>/api/…</c> and of its response.</summary>
public sealed class ForwardingTests(ForwardingTests.Forwarding fixture) : IClassFixture<ForwardingTests.Forwarding>
{
    /// <summary>Generous for a busy machine, and far below every timeout of the frontend.</summary>
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>A visitor who is signed in at a frontend.</summary>
    public sealed class Forwarding : IAsyncLifetime
    {
        private ServiceHost _frontend = null!;

        internal SilentStreamApi StreamApi { get; private set; } = null!;
        internal Site Site { get; private set; } = null!;
        internal Uri Url => _frontend.Url;

        public async ValueTask InitializeAsync()
        {
            StreamApi = await SilentStreamApi.StartAsync(Cancelled);
            _frontend = await Site.StartAsync(StreamApi.Url, ("SignIn__Enabled", "true"));
            Site = await SilentStreamApi.SignInAsync(_frontend.Url);
        }

        public async ValueTask DisposeAsync()
        {
            Site.Dispose();
            await _frontend.DisposeAsync();
            await StreamApi.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task StreamApi_gets_the_credential_of_the_sign_in_and_of_a_pages_headers_only_those_it_knows(
        string method
    )
    {
        using var client = fixture.Site.Streaming();
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(fixture.Url, "/api/headers"));
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
        using var response = await fixture.Site.GetAsync("/api/headers");
        Assert.Equal("7", Assert.Single(response.Headers.GetValues("X-Request-Id")));
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        foreach (var name in (string[])["X-Internal", "Set-Cookie", "Access-Control-Allow-Origin"])
            Assert.False(response.Headers.Contains(name), name);
    }

    [Fact]
    public async Task A_streams_head_and_first_event_reach_the_page_at_once_and_its_end_reaches_StreamApi()
    {
        await using (var silent = await OpenAsync("/api/open?silent"))
        await using (var open = await OpenAsync("/api/open"))
        {
            await open.WaitForEventsAsync(1);
            Assert.Equal("one", Assert.Single(open.Events).Data);
            Assert.Empty(silent.Frames);
        }

        for (var closed = 0; closed < 2; closed++)
            Assert.True(await fixture.StreamApi.Closed.WaitAsync(AtOnce, Cancelled));

        using var client = fixture.Site.Streaming();
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var waiting = client.GetAsync(new Uri(fixture.Url, "/api/silent"), leaving.Token);

        await fixture.StreamApi.Arrived.WaitAsync(Cancelled);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.True(await fixture.StreamApi.Closed.WaitAsync(AtOnce, Cancelled));
    }

    private Task<SseReader> OpenAsync(string path) =>
        SseReader.OpenAsync(fixture.Url, path, client: fixture.Site.Streaming());
}
