using Streaming.Access;
using Streaming.Connections;

namespace Streaming.Opening;

/// <summary>Makes the grant of a stream from its caller, with the session of the caller's ticket.</summary>
internal static class CallerGrant
{
    public static StreamGrant Of(HttpContext context, StreamCaller caller)
    {
        var services = context.RequestServices;
        return new(
            caller.Until is { } until
                ? ExpiryTimes.Ending(until, caller.Notice, services.GetRequiredService<TimeProvider>())
                : ExpiryTimes.Endless,
            caller.Ticket is { } ticket ? services.GetRequiredService<OneStreamPerTicket>().SessionOf(ticket) : null,
            caller.IsSignedIn
        );
    }
}
