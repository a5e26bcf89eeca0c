using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.Features;
using Streaming.Admission;

namespace Streaming.Access;

/// <summary>Rights as ASP.NET Core's own authentication and policies give them. A stream ends with the caller's
/// credential, if that has an end.</summary>
internal sealed class PolicyAccess(TimeProvider clock) : IStreamAccess
{
    /// <summary>Notice before a credential ends.</summary>
    private static readonly TimeSpan Renew = TimeSpan.FromSeconds(60);

    public ClientKey ClientOf(HttpContext context) =>
        NameOf(context) is { } name ? ClientKey.OfUser(name) : ClientKey.OfAddress(context.Connection.RemoteIpAddress);

    public ClientKey ClientOfUser(string user) => ClientKey.OfUser(user);

    public bool HasExpired(HttpContext context) => EndOf(context) <= clock.GetUtcNow();

    public StreamGrant GrantOf(HttpContext context) =>
        EndOf(context) is { } end
            ? new StreamGrant(ExpiryTimes.Ending(end, Renew, clock), TicketOf(context)?.Session)
            : StreamGrant.Endless;

    /// <summary>The endpoint's policy has decided before; a ticket narrows it.</summary>
    public bool MayRead(HttpContext context, string topic) => TicketOf(context)?.Ticket.Grants.MayRead(topic) != false;

    /// <summary>A policy says who may have runs, but not whose. A run that nobody signed in for is anybody's.</summary>
    public async ValueTask<bool> MayReadRunAsync(HttpContext context, string topic, Func<Task<string?>> ownerOf) =>
        MayRead(context, topic) && await ownerOf() == NameOf(context);

    public string? OwnerOf(HttpContext context) => TicketOf(context) is null ? NameOf(context) : null;

    /// <summary>The endpoint's policy has named it, as only that knows the schemes.</summary>
    public TicketHolder HolderOf(HttpContext context) => context.Features.GetRequiredFeature<TicketHolder>();

    private static string? NameOf(HttpContext context) =>
        context.User.Identity is { IsAuthenticated: true, Name: { Length: > 0 } name } ? name : null;

    private static UsedTicket? TicketOf(HttpContext context) => context.Features.Get<UsedTicket>();

    private static DateTimeOffset? EndOf(HttpContext context) =>
        context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Properties?.ExpiresUtc;
}
