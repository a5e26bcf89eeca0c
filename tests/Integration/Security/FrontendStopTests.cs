using System.Net;
using Harness;

namespace Integration.Security;

/// <summary>The pages' site when it stops, at a sign-out, and while StreamApi does not answer.</summary>
public sealed class FrontendStopTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task At_a_stop_streams_end_a_waiting_one_is_refused_and_other_requests_finish()
    {
        await using var silent = await SilentStreamApi.StartAsync(Cancelled);
        await using var frontend = await StartAsync(silent.Url);
        using var site = new Site(frontend.Url);
        Assert.Equal(HttpStatusCode.Redirect, (await site.SignInAsync(SilentStreamApi.Credential)).StatusCode);

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
    public async Task A_sign_out_refuses_a_waiting_request()
    {
        await using var silent = await SilentStreamApi.StartAsync(Cancelled);
        await using var frontend = await StartAsync(silent.Url);
        using var site = new Site(frontend.Url);
        Assert.Equal(HttpStatusCode.Redirect, (await site.SignInAsync(SilentStreamApi.Credential)).StatusCode);
        var change = site.GetAsync("/api/silent", accept: "application/json");
        await silent.Arrived.WaitAsync(Cancelled);
        Assert.Equal(HttpStatusCode.Redirect, (await site.SignOutAsync()).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await change).StatusCode);
    }

    [Fact]
    public async Task A_slow_reader_of_a_page_ends_properly_too()
    {
        await using var frontend = await StartAsync(shared.World.A.ToString());
        using var site = new Site(frontend.Url);
        Assert.Equal(HttpStatusCode.Redirect, (await site.SignInAsync(SecureSystem.OperatorKey)).StatusCode);
        await using var reader = await SseReader.OpenAsync(
            frontend.Url,
            "/patterns/reader?perSecond=1",
            client: site.Streaming()
        );
        await reader.WaitForEventsAsync(2);
        frontend.Terminate();
        await reader.WaitForEndAsync();
        Assert.True(reader.EndedProperly);
    }

    [Fact]
    public async Task Without_a_replica_a_slow_reader_gets_Retry_After()
    {
        await using var silent = await SilentStreamApi.StartAsync(Cancelled);
        await using var frontend = await StartAsync(silent.Url, "Development");
        using var site = new Site(frontend.Url);
        using var refused = await site.GetAsync("/patterns/reader?perSecond=1", accept: "text/event-stream");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
    }

    private static Task<ServiceProcess> StartAsync(string streamApi, string environment = "Production") =>
        ServiceProcess.StartAsync(
            "WebFrontend",
            new Dictionary<string, string>
            {
                ["ASPNETCORE_ENVIRONMENT"] = environment,
                ["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true",
                ["StreamApi__PublicUrl"] = streamApi,
                ["StreamApi__ApiKey"] = SecureSystem.OperatorKey,
                ["SignIn__Enabled"] = $"{environment == "Production"}",
            },
            Cancelled
        );
}
