using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Credentials;

/// <summary>Authenticates a request by what <see cref="CallerFinder"/> finds, and answers refused ones.</summary>
internal sealed class CredentialHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> scheme,
    ILoggerFactory loggers,
    UrlEncoder encoder,
    IOptions<SecurityOptions> security,
    CallerFinder callers
) : AuthenticationHandler<AuthenticationSchemeOptions>(scheme, loggers, encoder)
{
    public const string Name = "AspireSse";

    /// <summary>Authorization scheme of requests between replicas.</summary>
    public const string ReplicaScheme = "Replica";

    /// <summary>For every ticket: nothing here signs in, and only that would set some.</summary>
    private static readonly AuthenticationProperties NoProperties = new();

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        try
        {
            if (await callers.FindAsync(Context) is not { } caller)
                return AuthenticateResult.NoResult();

            Context.Features.Set(caller);
            return AuthenticateResult.Success(
                new AuthenticationTicket(CallerFinder.UserOf(caller), NoProperties, Name)
            );
        }
        catch (Exception e) when (e is InvalidCredentialException or IssuerUnavailableException)
        {
            return AuthenticateResult.Fail(e);
        }
    }

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
}
