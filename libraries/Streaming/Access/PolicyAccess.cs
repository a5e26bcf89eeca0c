using Microsoft.AspNetCore.Authentication;
using Streaming.Callers;

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

    /// <summary>A policy says who may have runs, but not whose. A run that nobody signed in for is of all who have not
    /// either, and name it.</summary>
    async ValueTask<bool> IStreamAccess.MayReadRunAsync(
        HttpContext context,
        string topic,
        Func<Task<string?>> ownerOf,
        bool namesIt
    ) =>
        MayRead(context, topic)
        && UserOf(context) is var user
        && await ownerOf() == user
        && (user is not null || namesIt);

    /// <summary>A ticket only reads, also where no policy asks.</summary>
    public string? OwnerOf(HttpContext context) =>
        TicketOf(context) is null
            ? UserOf(context)
            : throw new UnnamedCallerException("A ticket only reads. Send the credential that it was bought with.");

    /// <summary>The endpoint's policy has named it, as only that knows the schemes.</summary>
    TicketHolder IStreamAccess.HolderOf(HttpContext context) =>
        context.Features.Get<TicketHolder>()
        ?? throw new InvalidOperationException(
            "No ticket can be issued: the application added an IPolicyEvaluator of its own after AddSse, and that one "
                + "knows no tickets. Add it before AddSse."
        );

    private static string? UserOf(HttpContext context) =>
        CallerIdentity.IdOf(context.User) is { } user ? user
        : CallerIdentity.IsSignedIn(context.User)
            ? throw new UnnamedCallerException("Your credential has neither a subject (sub) nor a name.")
        : null;

    private static SseTicket? TicketOf(HttpContext context) => context.Features.Get<SseTicket>();
}
