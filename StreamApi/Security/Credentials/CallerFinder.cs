using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Claims;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using StreamApi.Security.Tickets;

namespace StreamApi.Security.Credentials;

/// <summary>Finds the caller of a request by its credential: <c>Authorization: Bearer</c> with a token or a key (as
/// OpenAI's clients send it), <c>X-Api-Key</c> (as Anthropic's clients send it), or <c>?ticket=</c> for a stream. In
/// Development a request from this machine without credentials may do everything.</summary>
internal sealed class CallerFinder(
    IOptions<SecurityOptions> security,
    BearerTokens tokens,
    ApiKeys keys,
    StreamTickets tickets
)
{
    /// <summary>The users of callers that stay: an identity would cost each request half a kilobyte.</summary>
    private static readonly ConditionalWeakTable<Caller, ClaimsPrincipal> Kept = [];

    private sealed record Search(Task<Caller?> Result);

    /// <summary>Signs the caller in if it is known at once. Otherwise <see cref="CredentialHandler"/> does, or
    /// refuses.</summary>
    public bool TrySignIn(HttpContext context)
    {
        var search = SearchAsync(context);
        // The endpoint's policy has a part in a ticket.
        if (search is { IsCompletedSuccessfully: true, Result: { Ticket: null } caller })
        {
            context.Features.Set(caller);
            context.User = UserOf(caller);
            return true;
        }

        context.Features.Set(new Search(search.AsTask()));
        return false;
    }

    /// <summary>Returns the caller, or null without a credential.</summary>
    /// <exception cref="InvalidCredentialException">The credential is not valid.</exception>
    /// <exception cref="IssuerUnavailableException">The keys of its issuer cannot be read.</exception>
    public ValueTask<Caller?> FindAsync(HttpContext context) =>
        context.Features.Get<Search>() is { Result: var begun } ? new(begun) : SearchAsync(context);

    public static ClaimsPrincipal UserOf(Caller caller) =>
        caller == Caller.Local || caller is { Ticket: null, User: { } user } && Caller.IsKey(user)
            ? Kept.GetValue(caller, static kept => kept.Principal(CredentialHandler.Name))
            : caller.Principal(CredentialHandler.Name);

    /// <summary>
    /// Local requests need no credential. Without configured users even a sent key is ignored, because official clients
    /// always send one.
    /// </summary>
    private bool IsOpen(HttpContext context) => security.Value.OpenOnLoopback == true && IsLocal(context);

    private async ValueTask<Caller?> SearchAsync(HttpContext context)
    {
        var sent = await SentAsync(context);
        if (context.Request.Query["ticket"] is not { Count: > 0 } values)
            return sent;
        if (values.Count > 1)
            throw new InvalidCredentialException("The request has more than one ticket.");
        if (context.GetEndpoint()?.Metadata.GetMetadata<StreamMetadata>() is null)
            throw new InvalidCredentialException("A ticket opens streams only. Send a token or a key instead.");

        var ticket = await tickets.VerifyAsync(values.ToString(), context.RequestAborted);
        return sent?.User is null || sent.User == ticket.User
            ? ticket
            : throw new InvalidCredentialException("The ticket belongs to another user.");
    }

    private async ValueTask<Caller?> SentAsync(HttpContext context)
    {
        var authorization = context.Request.Headers.Authorization;
        var key = context.Request.Headers["X-Api-Key"];
        var text = authorization.ToString();
        if (text.StartsWith(CredentialHandler.ReplicaScheme + " ", StringComparison.Ordinal))
            return await tickets.VerifyPassAsync(
                text[(CredentialHandler.ReplicaScheme.Length + 1)..],
                context.RequestAborted
            );

        // Browsers add those of a front's Basic authentication to each request, and EventSource can send no other.
        var isBearer = text.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase);
        if (authorization.Count == 1 && !isBearer && (key.Count > 0 || context.Request.Query.ContainsKey("ticket")))
            authorization = StringValues.Empty;

        if (IsOpen(context) && (authorization.Count + key.Count == 0 || !security.Value.IsConfigured))
            return Caller.Local;
        if (authorization.Count > 1 || key.Count > 1)
            throw new InvalidCredentialException("The request has more than one credential.");

        if (authorization.Count == 1)
        {
            if (!isBearer)
                throw new InvalidCredentialException("The Authorization header must use the scheme Bearer.");
            var credential = text["Bearer ".Length..].Trim();
            return BearerTokens.IsToken(credential)
                ? await tokens.VerifyAsync(credential, context.RequestAborted)
                : keys.Verify(credential);
        }

        return key.Count == 1 ? keys.Verify(key.ToString()) : null;
    }

    /// <summary>
    /// Checks that the request comes from this machine and addresses it by a local name. The name check refuses DNS
    /// rebinding, where another site's name points to this machine.
    /// </summary>
    private static bool IsLocal(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is not { } address || !IPAddress.IsLoopback(address.Unmapped()))
            return false;

        var host = context.Request.Host.Host.Trim('[', ']');
        return host.Length == 0
            || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host, out var named) && IPAddress.IsLoopback(named));
    }
}
