using Microsoft.Extensions.Options;
using Streaming.Access;
using Streaming.Admission;
using Streaming.Tickets;

namespace StreamApi.Security;

/// <summary>Answers the streaming engine's access questions from the caller's credential.</summary>
internal sealed class CallerAccess(OneStreamPerTicket tickets, IOptions<SecurityOptions> security, TimeProvider clock)
    : IStreamAccess
{
    public ClientKey ClientOf(HttpContext context) => Caller.KeyOf(context);

    public ClientKey ClientOfUser(string user) => ClientKey.OfUser(user);

    public bool HasExpired(HttpContext context) => Caller.Of(context).Until <= clock.GetUtcNow();

    public bool MayRead(HttpContext context, string topic) => Caller.Of(context).MayRead(topic);

    public string? OwnerOf(HttpContext context) => Caller.Of(context).Owner;

    public TicketHolder HolderOf(HttpContext context)
    {
        var caller = Caller.Of(context);
        return new TicketHolder(caller.User, caller.Until, caller.Key);
    }

    public StreamGrant GrantOf(HttpContext context)
    {
        var caller = Caller.Of(context);
        var expiry = caller.Until is { } until
            ? ExpiryTimes.Ending(until, TimeSpan.FromSeconds(security.Value.RenewSeconds), clock)
            : ExpiryTimes.Endless;
        return new StreamGrant(expiry, caller.Ticket is { } ticket ? tickets.SessionOf(ticket) : null);
    }
}
