using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Integration.Security;

/// <summary>
/// A server in StreamApi's place that accepts every credential and shows how the frontend forwards: which headers it
/// gets, when a stream is closed, and how long the frontend waits.
/// </summary>
internal sealed class SilentStreamApi : IAsyncDisposable
{
    /// <summary>The credential that visitors sign in with.</summary>
    public const string Credential = "any-key";

    private readonly WebApplication _app;
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private SilentStreamApi()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapGet("/v1/models", () => "{}");
        _app.MapGet("/open", OpenAsync);
        _app.MapGet("/silent", SilentAsync);
        _app.MapPost("/late", LateAsync);
        _app.Map("/headers", Headers);
    }

    public string Url => _app.Urls.Single();

    /// <summary>Released for each request to <c>/silent</c> and <c>/late</c>.</summary>
    public SemaphoreSlim Arrived { get; } = new(0);

    /// <summary>Released for each request to <c>/open</c> and <c>/silent</c> that its client has closed.</summary>
    public SemaphoreSlim Closed { get; } = new(0);

    public static async Task<SilentStreamApi> StartAsync(CancellationToken cancellationToken)
    {
        var silent = new SilentStreamApi();
        await silent._app.StartAsync(cancellationToken);
        return silent;
    }

    /// <summary>Signs a visitor in at a frontend of this server.</summary>
    public static async Task<Site> SignInAsync(Uri frontend)
    {
        var site = new Site(frontend);
        Assert.Equal(HttpStatusCode.Redirect, (await site.SignInAsync(Credential)).StatusCode);
        return site;
    }

    /// <summary>Lets <c>/late</c> answer.</summary>
    public void Release() => _released.TrySetResult();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>One event, then nothing. The event comes after the head, unless <c>?silent</c> suppresses it.</summary>
    private async Task OpenAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        await context.Response.Body.FlushAsync();
        if (!context.Request.Query.ContainsKey("silent"))
            await context.Response.WriteAsync("id: 1\ndata: one\n\n");
        await ClosedAsync(context);
    }

    private Task SilentAsync(HttpContext context)
    {
        Arrived.Release();
        return ClosedAsync(context);
    }

    private async Task<string> LateAsync()
    {
        Arrived.Release();
        await _released.Task;
        return "late";
    }

    /// <summary>Answers with the request's headers, and with headers of its own.</summary>
    private static IResult Headers(HttpContext context)
    {
        context.Response.Headers["X-Request-Id"] = "7";
        context.Response.Headers["X-Internal"] = "7";
        context.Response.Headers.SetCookie = "a=b";
        context.Response.Headers.AccessControlAllowOrigin = "*";
        return Results.Json(context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString()));
    }

    private async Task ClosedAsync(HttpContext context)
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        context.RequestAborted.Register(closed.SetResult);
        await closed.Task;
        Closed.Release();
    }
}
