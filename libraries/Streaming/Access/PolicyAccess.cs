using Microsoft.AspNetCore.Authentication;

namespace Streaming.Access;

/// <summary>Rights that ASP.NET Core's own authentication and policies give. A stream ends with its caller's
/// credential, if the credential has an end.</summary>
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

    /// <summary>Returns false only for a topic that the caller's ticket lacks: the endpoint's policy has already
    /// decided.</summary>
    public bool MayRead(HttpContext context, string topic) => TicketOf(context)?.Grants.MayRead(topic) != false;

    /// <summary>Returns the caller's name, and refuses a ticket, which only reads, even on an endpoint without a
    /// policy.</summary>
    public string? OwnerOf(HttpContext context) =>
        TicketOf(context) is null
            ? UserOf(context)
            : throw new UnnamedCallerException("A ticket only reads. Send the credential that it was bought with.");

    /// <summary>Returns the caller's name, or null if the caller is anonymous.</summary>
    public static string? UserOf(HttpContext context) =>
        CallerIdentity.IdOf(context.User) is { } user ? user
        : CallerIdentity.IsSignedIn(context.User)
            ? throw new UnnamedCallerException("Your credential has neither a subject (sub) nor a name.")
        : null;

    private static SseTicket? TicketOf(HttpContext context) => context.Features.Get<SseTicket>();
}
