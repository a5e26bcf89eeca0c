using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace WebFrontend.SignIn;

/// <summary>
/// Copies a response of StreamApi to the page. When this server stops, an event stream ends properly, because StreamApi
/// still has its events; any other interrupted body ends with a cut connection, so that it does not look complete.
/// </summary>
/// <param name="context">The page's request, with the head of its response.</param>
/// <param name="clock">The clock.</param>
/// <param name="cancelled">Set when the page disconnects, and at sign-out.</param>
/// <param name="stopping">Set when this server stops.</param>
internal sealed class ProxiedBody(
    HttpContext context,
    TimeProvider clock,
    CancellationToken cancelled,
    CancellationToken stopping
)
{
    public const string EventStream = "text/event-stream";

    private const int RetryMinMilliseconds = 1_000;
    private const int RetryMaxMilliseconds = 3_000;

    /// <summary>A reader may pause that long, as at StreamApi.</summary>
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(300);

    public async Task CopyAsync(HttpResponseMessage response)
    {
        var isStream = response.Content.Headers.ContentType?.MediaType == EventStream;
        // Kestrel's own limit would abort a reader that pauses for a minute (HTTP/1.1 only).
        if (isStream && context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(
            cancelled,
            isStream ? stopping : CancellationToken.None
        );
        try
        {
            await CopyAsync(response, isStream, ended.Token);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            if (!context.RequestAborted.IsCancellationRequested)
                context.Abort();
        }
    }

    private async Task CopyAsync(HttpResponseMessage response, bool isStream, CancellationToken ended)
    {
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await context.Response.StartAsync(ended);
        await using var body = await response.Content.ReadAsStreamAsync(ended);
        using var late = new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
        using var writing = CancellationTokenSource.CreateLinkedTokenSource(ended, late.Token);
        var buffer = new byte[16 * 1024];
        var betweenFrames = isStream;
        while (true)
        {
            int read;
            try
            {
                read = await body.ReadAsync(buffer, ended);
            }
            catch (OperationCanceledException) when (betweenFrames && !cancelled.IsCancellationRequested)
            {
                await EndAsync();
                return;
            }
            if (read == 0)
                return;
            late.CancelAfter(WriteTimeout);
            await context.Response.Body.WriteAsync(buffer.AsMemory(0, read), writing.Token);
            late.CancelAfter(Timeout.InfiniteTimeSpan);
            betweenFrames = isStream && buffer.AsSpan(0, read).EndsWith("\n\n"u8);
        }
    }

    /// <summary>Sends a reconnection time of its own to each reader, so that they do not all return at once.</summary>
    private Task EndAsync() =>
        context.Response.WriteAsync(
            $"retry: {Random.Shared.Next(RetryMinMilliseconds, RetryMaxMilliseconds + 1)}\n\n",
            cancelled
        );
}
