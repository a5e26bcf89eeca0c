using Microsoft.Extensions.Options;
using Streaming.Access;
using Streaming.Admission;
using Streaming.Connections;
using Streaming.Endpoints;
using Streaming.Frames;

namespace Streaming.Opening;

internal sealed class StreamAdmission(ConnectionLimits limits, IStreamAccess access, IOptions<StreamingOptions> options)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    /// <summary>Takes a place, to be disposed, or returns the refusal to answer with.</summary>
    public (IDisposable? Place, Func<Task>? Refuse) Enter(HttpContext context)
    {
        var pool = context.GetEndpoint()?.Metadata.GetMetadata<StreamPoolMetadata>()?.Name;
        var admission = limits.TryEnter(pool, access.ClientOf(context), context.IsResume(), out var place);
        return admission == ShareVerdict.Admitted ? (place, null) : (null, () => RefuseAsync(context, admission));
    }

    /// <summary>Answers with a stream that sends a reconnection time and ends.</summary>
    public static async Task AskToReconnectAsync(HttpContext context, StreamingOptions options, string why)
    {
        context.Response.StatusCode = StatusCodes.Status200OK;
        StreamHead.Set(context);
        await context.Response.Body.WriteAsync(SseFrame.ToBytes(f => f.Retry(options.NextRetry()).Comment(why).End()));
    }

    /// <summary>Refuses a stream; a 503 would stop a resuming browser for good (HTML Living Standard §9.2.3).</summary>
    private async Task RefuseAsync(HttpContext context, ShareVerdict why)
    {
        if (context.IsResume())
        {
            await AskToReconnectAsync(context, options.Value, "This server is full. Reconnect.");
            return;
        }
        var (status, title, detail) =
            why == ShareVerdict.Full
                ? (
                    StatusCodes.Status503ServiceUnavailable,
                    "Too many streams",
                    "This server has reached its limit of open streams (Streaming:MaxConnections, Pools). "
                        + "Try again in some seconds."
                )
                : (
                    StatusCodes.Status429TooManyRequests,
                    "Too many streams of one client",
                    "This server has few places left, and you have as many as one client may then have "
                        + "(Streaming:MaxConnectionsPerClient). Close one first."
                );
        await context.RefuseAsync(status, title, detail, RetryAfter);
    }
}
