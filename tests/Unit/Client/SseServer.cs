using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Unit.Client;

/// <summary>A real server on a free port that gives the given answers in turn; the last one serves all further
/// requests.</summary>
internal sealed class SseServer : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly ConcurrentQueue<Received> requests = new();
    private int count;

    private SseServer(WebApplication app, Func<HttpContext, Task>[] answers)
    {
        this.app = app;
        app.Run(async context =>
        {
            using var body = new StreamReader(context.Request.Body);
            var text = await body.ReadToEndAsync();
            context.Items["body"] = text;

            var number = Interlocked.Increment(ref count);
            requests.Enqueue(
                new Received(
                    context.Request.Method,
                    context.Request.Path + context.Request.QueryString.Value,
                    context.Request.Headers.ToDictionary(
                        h => h.Key,
                        h => h.Value.ToString(),
                        StringComparer.OrdinalIgnoreCase
                    ),
                    text
                )
            );

            try
            {
                await answers[Math.Min(number, answers.Length) - 1](context);
            }
            catch (OperationCanceledException) { }
        });
    }

    public sealed record Received(
        string Method,
        string Target,
        IReadOnlyDictionary<string, string> Headers,
        string Body
    )
    {
        public string? LastEventId => Headers.GetValueOrDefault("Last-Event-ID");
    }

    public string Url => app.Urls.Single();

    public IReadOnlyList<Received> Requests => [.. requests];

    public static Task<SseServer> StartAsync(params Func<HttpContext, Task>[] answers) => StartAsync(0, answers);

    public static async Task<SseServer> StartAsync(int port, params Func<HttpContext, Task>[] answers)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder
            .WebHost.UseUrls($"http://127.0.0.1:{port}")
            .ConfigureKestrel(kestrel => kestrel.RequestHeaderEncodingSelector = _ => System.Text.Encoding.UTF8);
        builder.Logging.ClearProviders();

        var server = new SseServer(builder.Build(), answers);
        await server.app.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public Task WaitForRequestAsync() => Eventually.HoldsAsync(() => !requests.IsEmpty);

    /// <summary>A stream with these frames and a proper end.</summary>
    public static Func<HttpContext, Task> Stream(string frames) => context => WriteAsync(context, frames);

    /// <summary>A stream with these frames that then stays open until the client leaves.</summary>
    public static Func<HttpContext, Task> Open(string frames) =>
        async context =>
        {
            await WriteAsync(context, frames);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        };

    /// <summary>A stream with these frames whose connection is then closed before the body's end.</summary>
    public static Func<HttpContext, Task> Broken(string frames) =>
        context =>
        {
            // An abort would reset the connection, and the client would lose what it has not read.
            context.Response.ContentLength = 1_000_000;
            return WriteAsync(context, frames);
        };

    public static Func<HttpContext, Task> Status(int status, string? retryAfter = null) =>
        context =>
        {
            context.Response.StatusCode = status;
            if (retryAfter is not null)
                context.Response.Headers.RetryAfter = retryAfter;
            return Task.CompletedTask;
        };

    /// <summary>A refusal with problem details and a body that has no end.</summary>
    public static Func<HttpContext, Task> Endless(int status) =>
        async context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = "application/problem+json";
            await WriteAsync(context, "{\"title\":\"Unknown topic.\"}");
            while (true)
            {
                await WriteAsync(context, " ");
                await Task.Delay(100, context.RequestAborted);
            }
        };

    public static Func<HttpContext, Task> Redirect(int status, string target) =>
        context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = target;
            return Task.CompletedTask;
        };

    public static async Task WriteAsync(HttpContext context, string frames)
    {
        if (!context.Response.HasStarted)
            context.Response.ContentType ??= "text/event-stream";
        await context.Response.StartAsync(context.RequestAborted);
        await context.Response.WriteAsync(frames, context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    // Streams that are still open have lost their clients; they are not waited for.
    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await app.StopAsync(now.Token);
        await app.DisposeAsync();
    }
}
