using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Streaming.Admission;
using Streaming.Connections;
using Streaming.Frames;
using Streaming.Refusals;

namespace Streaming.Opening;

/// <summary>Refuses streams. A client that resumes is asked to reconnect instead, because 429 or 503 would stop a
/// browser for good (HTML Living Standard §9.2.3).</summary>
internal static class StreamRefusal
{
    private static readonly TimeSpan SeatRetry = TimeSpan.FromSeconds(5);

    /// <summary>Refuses a stream for which there is no seat.</summary>
    public static Task RefuseSeatAsync(this HttpContext context, ShareVerdict why)
    {
        var (status, title, detail) =
            why == ShareVerdict.Full
                ? (
                    StatusCodes.Status503ServiceUnavailable,
                    "Too many streams",
                    "This server has reached its limit of open streams (SseOptions.MaxConnections, AspireSse:Pools). "
                        + "Try again in some seconds."
                )
                : (
                    StatusCodes.Status429TooManyRequests,
                    "Too many streams of one client",
                    "This server has few places left, and you have as many as one client may then have "
                        + "(SseOptions.MaxConnectionsPerClient). Close one first."
                );
        return context.RefuseStreamAsync("This server is full. Reconnect.", status, title, detail, SeatRetry);
    }

    /// <param name="toResuming">Comment for a client that is asked to reconnect.</param>
    private static Task RefuseStreamAsync(
        this HttpContext context,
        string toResuming,
        int status,
        string title,
        string detail,
        TimeSpan retryAfter
    ) =>
        context.IsResume()
            ? context.AskToReconnectAsync(toResuming)
            : context.RefuseAsync(status, title, detail, retryAfter);

    /// <summary>Refuses a request, of a stream or not, because the store does not answer.</summary>
    public static Task RefuseInOutageAsync(this HttpContext context) =>
        context.RefuseStreamAsync(
            "The store does not answer. Reconnect.",
            StatusCodes.Status503ServiceUnavailable,
            "Event store unavailable",
            "Postgres does not answer, or too many requests wait for it. Try again in a few seconds.",
            RefusedException.UsualDelay
        );

    /// <summary>Answers with a stream that sends a reconnection time and ends.</summary>
    public static async Task AskToReconnectAsync(this HttpContext context, string why)
    {
        var retry = ReconnectionTime.Next(context.RequestServices.GetRequiredService<IOptions<SseOptions>>().Value);
        context.Response.StatusCode = StatusCodes.Status200OK;
        StreamResponseHeaders.Set(context, isRefusal: true);
        // Its status hides that it is a refusal.
        context.Features.Get<IHttpMetricsTagsFeature>()?.Tags.Add(new("error.type", "reconnect"));
        await context.Response.Body.WriteAsync((byte[])[.. SseFrame.Comment(why), .. ControlFrames.Retry(retry)]);
    }
}
