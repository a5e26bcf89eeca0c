using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Streaming.Admission;

namespace Streaming.Requests;

/// <summary>Receives the rest of a refused body for a while, for clients that send everything before they read. A reset
/// connection would cost them the refusal (RFC 9112 §9.6).</summary>
internal sealed class LingeringRead(IStreamAccess access, IHostApplicationLifetime lifetime, TimeProvider clock)
{
    /// <summary>Maximum bytes received after a refusal, the size of the largest publish.</summary>
    private const long MaxBytes = 4 * 1024 * 1024;

    /// <summary>Requests of one client that linger at once: a browser has six connections.</summary>
    private const int MaxOfClient = 8;

    /// <summary>Time for a client at a distance to send what is under way, and to read the refusal.</summary>
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(2);

    /// <summary>Pause between looks for more of the body. Kestrel buffers 1 MB, so that 4 MB come within a few
    /// pauses.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly CountsByKey<string> _reading = new();

    public static IApplicationBuilder Use(IApplicationBuilder app)
    {
        var linger = app.ApplicationServices.GetRequiredService<LingeringRead>();
        return app.Use(
            async (context, next) =>
            {
                if (context.Request.Headers.Expect.Count > 0)
                    context.Response.OnStarting(CloseIfRefusedAsync, context);

                await next(context);
                if (IsRefusedWithBody(context))
                    await linger.AnswerAsync(context);
            }
        );
    }

    /// <summary>Closes the connection of a client that waits for a 100: if the client no longer sends the body, its
    /// next request would be taken for the body (RFC 9110 §10.1.1).</summary>
    private static Task CloseIfRefusedAsync(object context)
    {
        var http = (HttpContext)context;
        if (IsRefusedWithBody(http))
            http.Response.Headers.Connection = "close";

        return Task.CompletedTask;
    }

    /// <summary>Returns true for a refused HTTP/1.1 request with a body. On HTTP/2 the end of the answer ends the
    /// request, too (RFC 9113 §8.1).</summary>
    private static bool IsRefusedWithBody(HttpContext context) =>
        context.Response.StatusCode >= StatusCodes.Status400BadRequest
        && HttpProtocol.IsHttp11(context.Request.Protocol)
        && context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true
        && !context.RequestAborted.IsCancellationRequested;

    private async Task AnswerAsync(HttpContext context)
    {
        await context.Response.CompleteAsync();

        var client = access.ClientOf(context).Person;
        try
        {
            if (_reading.Add(client) <= MaxOfClient)
                await ReadAsync(context);
        }
        finally
        {
            _reading.Remove(client);
        }
    }

    private async Task ReadAsync(HttpContext context)
    {
        using var late = new CancellationTokenSource(MaxTime, clock);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(
            late.Token,
            lifetime.ApplicationStopping,
            context.RequestAborted
        );
        try
        {
            // Lifts the server's limit on a body that nobody has read yet.
            if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
                size.MaxRequestBodySize = null;

            var body = context.Request.BodyReader;

            for (var received = 0L; received < MaxBytes; )
            {
                // No read waits: a read that a reset or a token ends stays pending for ever, and the server logs an
                // error because it cannot consume the body.
                ReadResult read;
                while (!body.TryRead(out read))
                    await Task.Delay(Pause, clock, end.Token);

                received += read.Buffer.Length;
                body.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    return;
            }

            context.Abort();
        }
        catch (OperationCanceledException)
        {
            context.Abort();
        }
        catch (Exception e) when (e is BadHttpRequestException or ConnectionResetException)
        {
            // The server ends the connection.
        }
    }
}
