using System.Net;
using Harness;
using Integration.Delivery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Integration.Security;

/// <summary>The pages' site when it stops, at a sign-out, and while StreamApi does not answer.</summary>
[Collection(SecureSystem.Collection)]
public sealed class FrontendStopTests(SecureSystem system)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_waiting_request_is_refused_and_an_open_stream_ends_with_a_reconnection_time()
    {
        var arrived = new SemaphoreSlim(0);
        await using var silent = await SilentStreamApiAsync(arrived);
        await using var frontend = await StartAsync(silent.Urls.First());
        using var site = new Site(frontend.Url);
        using var leaving = new Site(frontend.Url);
        foreach (var visit in (Site[])[site, leaving])
            Assert.Equal(HttpStatusCode.Redirect, (await visit.SignInAsync("any-key")).StatusCode);

        var change = leaving.GetAsync("/api/silent", accept: "application/json");
        await arrived.WaitAsync(Cancelled);
        Assert.Equal(HttpStatusCode.Redirect, (await leaving.SignOutAsync()).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await change).StatusCode);

        await using var open = await SseReader.OpenAsync(frontend.Url, "/api/open", client: site.Streaming());
        await open.WaitForEventsAsync(1);
        var waiting = site.GetAsync("/api/silent", accept: "text/event-stream");
        await arrived.WaitAsync(Cancelled);
        frontend.Terminate();
        using var refused = await waiting;
        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(1)),
            (refused.StatusCode, refused.Headers.RetryAfter?.Delta)
        );
        await open.WaitForEndAsync();
        Assert.True(open.EndedProperly);
        Assert.NotNull(open.Frames[^1].Retry);
        await frontend.WaitForExitAsync(Cancelled);
        Assert.Equal(0, frontend.ExitCode);
    }

    [Fact]
    public async Task A_slow_reader_of_a_page_ends_properly_too()
    {
        await using var frontend = await StartAsync(system.A.ToString());
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
        await using var silent = await SilentStreamApiAsync(new SemaphoreSlim(0));
        await using var frontend = await StartAsync(silent.Urls.First(), "Development");
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

    /// <summary>Accepts every credential, sends one event at <c>/open</c>, and never answers elsewhere.</summary>
    private static async Task<WebApplication> SilentStreamApiAsync(SemaphoreSlim arrived)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapGet("/v1/models", () => "{}");
        app.MapGet(
            "/open",
            async (HttpContext context) =>
            {
                context.Response.ContentType = "text/event-stream";
                await context.Response.WriteAsync("id: 1\ndata: one\n\n");
                await context.Response.Body.FlushAsync();
                await GoneAsync(context);
            }
        );
        app.MapGet(
            "/silent",
            (HttpContext context) =>
            {
                arrived.Release();
                return GoneAsync(context);
            }
        );
        await app.StartAsync(Cancelled);
        return app;
    }

    private static Task GoneAsync(HttpContext context)
    {
        var gone = new TaskCompletionSource();
        context.RequestAborted.Register(gone.SetResult);
        return gone.Task;
    }
}
