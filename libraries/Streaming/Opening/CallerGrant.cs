using Streaming.Access;
using Streaming.Connections;
using Streaming.Tickets;

namespace Streaming.Opening;

/// <summary>Makes a stream's grant of its caller, with the session of its ticket.</summary>
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
