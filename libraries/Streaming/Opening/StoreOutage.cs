using EventStore;
using Microsoft.Extensions.Options;
using Npgsql;
using Streaming.Admission;
using Streaming.Endpoints;

namespace Streaming.Opening;

/// <summary>A stream that cannot start because the store does not answer.</summary>
internal static class StoreOutage
{
    /// <summary>Returns true if the store does not answer. Entity Framework wraps the driver's exceptions.</summary>
    public static bool Is(Exception e) =>
        e is StoreUnavailableException or TimeoutException or NpgsqlException { IsTransient: true }
        || (e.InnerException is { } inner && Is(inner));

    /// <summary>Asks a resuming client to reconnect, as a 503 would stop a browser for good (HTML Living Standard
    /// §9.2.3); answers others with 503.</summary>
    public static Task AnswerAsync(HttpContext context) =>
        context.IsResume()
            ? StreamAdmission.AskToReconnectAsync(
                context,
                context.RequestServices.GetRequiredService<IOptions<StreamingOptions>>().Value,
                "The store does not answer. Reconnect."
            )
            : context.RefuseAsync(
                StatusCodes.Status503ServiceUnavailable,
                "Event store unavailable",
                "The event log does not answer. Try again in a few seconds.",
                RefusedException.UsualDelay
            );
}
