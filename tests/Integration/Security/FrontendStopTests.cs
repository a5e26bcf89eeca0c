using System.Net;
using Harness;

namespace Integration.Security;

/// <summary>The pages' site when it stops, at a sign-out, and while StreamApi does not answer.</summary>
public sealed class FrontendStopTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>In a process of its own, which SIGTERM ends.</summary>
    [Fact]
    public async Task At_a_stop_streams_end_a_waiting_one_is_refused_and_other_requests_finish()
    {
        await using var silent = await SilentStreamApi.StartAsync(Cancelled);
        var settings = new Dictionary<string, string>(Site.Settings(silent.Url)) { ["SignIn__Enabled"] = "true" };
        await using var frontend = await ServiceProcess.StartAsync("WebFrontend", settings, Cancelled);
        using var site = await SilentStreamApi.SignInAsync(frontend.Url);

        await using var open = await SseReader.OpenAsync(frontend.Url, "/api/open", client: site.Streaming());
        await open.WaitForEventsAsync(1);
        // A stream is one by its response too, whatever its request accepts.
        using var raw = await site.GetAsync("/api/open", accept: "*/*");
        await using var bytes = await raw.Content.ReadAsStreamAsync(Cancelled);
        var waiting = site.GetAsync("/api/silent", accept: "text/event-stream");
        using var client = site.Streaming();
        var late = client.PostAsync(new Uri(frontend.Url, "/api/late"), null, Cancelled);
        foreach (var _ in (Task[])[waiting, late])
            await silent.Arrived.WaitAsync(Cancelled);

        frontend.Terminate();
        using var refused = await waiting;
        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(1)),
            (refused.StatusCode, refused.Headers.RetryAfter?.Delta)
        );
        await open.WaitForEndAsync();
        await Assert.ThrowsAnyAsync<IOException>(async () => await bytes.CopyToAsync(Stream.Null, Cancelled));
        // The streams did not wait for the end of the server.
        Assert.False(late.IsCompleted);
        silent.Release();

        using var finished = await late;
        Assert.Equal("late", await finished.Content.ReadAsStringAsync(Cancelled));
        await frontend.WaitForExitAsync(Cancelled);
        Assert.Equal(0, frontend.ExitCode);
    }

    [Fact]
    public async Task A_slow_reader_of_a_page_ends_properly_too()
    {
        await using var frontend = await Site.StartAsync(
            shared.World.A.ToString(),
            ("StreamApi__ApiKey", SecureSystem.OperatorKey),
            ("SignIn__Enabled", "true")
        );
        using var site = new Site(frontend.Url);
        Assert.Equal(HttpStatusCode.Redirect, (await site.SignInAsync(SecureSystem.OperatorKey)).StatusCode);

        await using var reader = await SseReader.OpenAsync(
            frontend.Url,
            "/patterns/reader?perSecond=1",
            client: site.Streaming()
        );
        await reader.WaitForEventsAsync(2);
        await frontend.StopAsync(Cancelled);
        await reader.WaitForEndAsync();
        Assert.True(reader.EndedProperly);
    }

    /// <summary>A sign-out refuses a waiting request. Without StreamApi a request gets a problem that says so, and a
    /// slow reader the time to return.</summary>
    [Fact]
    public async Task A_request_without_an_answer_of_StreamApi_learns_why()
    {
        await using var silent = await SilentStreamApi.StartAsync(Cancelled);
        await using var frontend = await Site.StartAsync(silent.Url, ("SignIn__Enabled", "true"));
        using (var site = await SilentStreamApi.SignInAsync(frontend.Url))
        {
            var change = site.GetAsync("/api/silent", accept: "application/json");
            await silent.Arrived.WaitAsync(Cancelled);
            Assert.Equal(HttpStatusCode.Redirect, (await site.SignOutAsync()).StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, (await change).StatusCode);
        }

        using var another = await SilentStreamApi.SignInAsync(frontend.Url);
        using var noReplica = await another.GetAsync("/patterns/reader?perSecond=1", accept: "text/event-stream");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, noReplica.StatusCode);
        Assert.NotNull(noReplica.Headers.RetryAfter);

        await silent.DisposeAsync();
        using var refused = await another.GetAsync("/api/headers");
        Assert.Equal(HttpStatusCode.BadGateway, refused.StatusCode);
        Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);
        Assert.Contains(
            "StreamApi does not answer.",
            await refused.Content.ReadAsStringAsync(Cancelled),
            StringComparison.Ordinal
        );
    }
}
