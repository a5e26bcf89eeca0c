using Microsoft.AspNetCore.Authentication;
using Streaming.Tickets;

namespace Streaming.Access;

/// <summary>Rights as ASP.NET Core's own authentication and policies give them. A stream ends with the caller's
/// credential, if that has an end.</summary>
internal sealed class PolicyAccess : IStreamAccess
{
    public ClientKey ClientOf(HttpContext context) =>
        CallerIdentity.IdOf(context.User) is { } user
            ? ClientKey.OfUser(user)
            : ClientKey.OfAddress(context.Connection.RemoteIpAddress);

    public StreamCaller CallerOf(HttpContext context) =>
        new()
        {
            Until = context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Properties?.ExpiresUtc,
            Ticket = TicketOf(context)?.Id,
            IsSignedIn = CallerIdentity.IsSignedIn(context.User),
        };

    /// <summary>The endpoint's policy has decided before; a ticket narrows it.</summary>
    public bool MayRead(HttpContext context, string topic) => TicketOf(context)?.Grants.MayRead(topic) != false;

    /// <summary>A ticket only reads, also where no policy asks.</summary>
    public string? OwnerOf(HttpContext context) =>
        TicketOf(context) is null
            ? UserOf(context)
            : throw new UnnamedCallerException("A ticket only reads. Send the credential that it was bought with.");

    /// <summary>Returns the caller's name, or null if it is anonymous.</summary>
    public static string? UserOf(HttpContext context) =>
        CallerIdentity.IdOf(context.User) is { } user ? user
        : CallerIdentity.IsSignedIn(context.User)
            ? throw new UnnamedCallerException("Your credential has neither a subject (sub) nor a name.")
        : null;

    private static SseTicket? TicketOf(HttpContext context) => context.Features.Get<SseTicket>();
}
