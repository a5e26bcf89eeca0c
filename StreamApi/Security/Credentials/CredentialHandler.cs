using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using StreamApi.Security.Tickets;

namespace StreamApi.Security.Credentials;

/// <summary>
/// Authenticates a request: <c>Authorization: Bearer</c> with a token or a key (as OpenAI's clients send it),
/// <c>X-Api-Key</c> (as Anthropic's clients send it), or <c>?ticket=</c> for a stream. In Development a request from
/// this machine without credentials may do everything.
/// </summary>
internal sealed class CredentialHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> scheme,
    ILoggerFactory loggers,
    UrlEncoder encoder,
    IOptions<SecurityOptions> security,
    BearerTokens tokens,
    ApiKeys keys,
    StreamTickets tickets
) : AuthenticationHandler<AuthenticationSchemeOptions>(scheme, loggers, encoder)
{
    public const string Name = "AspireSse";

    /// <summary>Authorization scheme of requests between replicas.</summary>
    public const string ReplicaScheme = "Replica";

    /// <summary>For every ticket: nothing here signs in, and only that would set some.</summary>
    private static readonly AuthenticationProperties NoProperties = new();

    /// <summary>The results of callers that stay: an identity would cost each request half a kilobyte.</summary>
    private static readonly ConditionalWeakTable<Caller, AuthenticateResult> Kept = [];

    /// <summary>
    /// Local requests need no credential. Without configured users even a sent key is ignored, because official clients
    /// always send one.
    /// </summary>
    private bool IsOpen => security.Value.OpenOnLoopback == true && IsLocal(Context);

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        try
        {
            if (await FindAsync() is not { } caller)
                return AuthenticateResult.NoResult();
            Context.Features.Set(caller);
            return caller == Caller.Local || caller is { Ticket: null, User: { } user } && Caller.IsKey(user)
                ? Kept.GetValue(caller, ResultOf)
                : ResultOf(caller);
        }
        catch (Exception e) when (e is InvalidCredentialException or IssuerUnavailableException)
        {
            return AuthenticateResult.Fail(e);
        }
    }

    private static AuthenticateResult ResultOf(Caller caller) =>
        AuthenticateResult.Success(new AuthenticationTicket(caller.Principal(Name), NoProperties, Name));

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var result = await HandleAuthenticateOnceSafeAsync();
        if (result.Failure is IssuerUnavailableException unavailable)
        {
            await RequestRefusal.WriteAsync(
                Context,
                StatusCodes.Status503ServiceUnavailable,
                "Token issuer unavailable",
                $"{unavailable.Message} Try again in a few seconds.",
                IssuerKeys.RetryInterval
            );
            return;
        }

        var failure = result.Failure as InvalidCredentialException;
        var isTicket = Context.Request.Query.ContainsKey("ticket");
        // RFC 6750 §3: without credentials no error code.
        Response.Headers.WWWAuthenticate =
            failure is null || isTicket
                ? "Bearer"
                : $"Bearer error=\"invalid_token\", error_description=\"{failure.Message}\"";

        await RequestRefusal.WriteAsync(
            Context,
            StatusCodes.Status401Unauthorized,
            "Authentication required",
            failure?.Message
                ?? (
                    security.Value.OpenOnLoopback == true
                        ? "Without credentials only this machine may use the server, by the name localhost. "
                            + "Send Authorization: Bearer, X-Api-Key, or for a stream ?ticket=."
                        : "The request has no valid credential. Send Authorization: Bearer with a token, "
                            + "X-Api-Key with a key, or for a stream ?ticket= (POST /v1/stream-tickets)."
                )
        );
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        // A ticket is valid only for the topics it names; elsewhere it counts as missing.
        if (Caller.Of(Context).Ticket is not null)
            return RequestRefusal.WriteAsync(
                Context,
                StatusCodes.Status401Unauthorized,
                "Ticket not valid for this topic",
                "The ticket was issued for other topics. Request a ticket for this topic."
            );

        Response.Headers.WWWAuthenticate = "Bearer error=\"insufficient_scope\"";
        return RequestRefusal.WriteAsync(
            Context,
            StatusCodes.Status403Forbidden,
            "Permission denied",
            TopicAccessHandler.MissingOf(Context)
        );
    }

    private async ValueTask<Caller?> FindAsync()
    {
        var sent = await SentAsync();
        if (Request.Query["ticket"] is not { Count: > 0 } values)
            return sent;
        if (values.Count > 1)
            throw new InvalidCredentialException("The request has more than one ticket.");
        if (Context.GetEndpoint()?.Metadata.GetMetadata<StreamMetadata>() is null)
            throw new InvalidCredentialException("A ticket opens streams only. Send a token or a key instead.");

        var ticket = await tickets.VerifyAsync(values.ToString(), Context.RequestAborted);
        return sent?.User is null || sent.User == ticket.User
            ? ticket
            : throw new InvalidCredentialException("The ticket belongs to another user.");
    }

    private async ValueTask<Caller?> SentAsync()
    {
        var authorization = Request.Headers.Authorization;
        var key = Request.Headers["X-Api-Key"];
        var text = authorization.ToString();
        if (text.StartsWith(ReplicaScheme + " ", StringComparison.Ordinal))
            return await tickets.VerifyPassAsync(text[(ReplicaScheme.Length + 1)..], Context.RequestAborted);

        // Browsers add those of a front's Basic authentication to each request, and EventSource can send no other.
        var isBearer = text.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase);
        if (authorization.Count == 1 && !isBearer && (key.Count > 0 || Request.Query.ContainsKey("ticket")))
            authorization = StringValues.Empty;

        if (IsOpen && (authorization.Count + key.Count == 0 || !security.Value.IsConfigured))
            return Caller.Local;
        if (authorization.Count > 1 || key.Count > 1)
            throw new InvalidCredentialException("The request has more than one credential.");

        if (authorization.Count == 1)
        {
            if (!isBearer)
                throw new InvalidCredentialException("The Authorization header must use the scheme Bearer.");
            var credential = text["Bearer ".Length..].Trim();
            return BearerTokens.IsToken(credential)
                ? await tokens.VerifyAsync(credential, Context.RequestAborted)
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
