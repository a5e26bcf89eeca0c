using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Streaming.Access;

namespace Streaming.Tickets;

/// <summary>Evaluates a stream's policy for the user of its ticket, as if the request had the credential that bought
/// the ticket.</summary>
/// <remarks>The policy must ask for the same schemes as the one under which the ticket was issued: the credential of a
/// weaker scheme must not buy what a stronger one protects.</remarks>
internal sealed class TicketPolicyEvaluator(
    IPolicyEvaluator policies,
    TicketReader tickets,
    ILogger<TicketPolicyEvaluator> logger
) : IPolicyEvaluator
{
    public async Task<AuthenticateResult> AuthenticateAsync(AuthorizationPolicy policy, HttpContext context)
    {
        var sent = await policies.AuthenticateAsync(policy, context);
        var endpoint = context.GetEndpoint()?.Metadata;
        if (endpoint?.GetMetadata<IssuesTickets>() is not null)
            context.Features.Set(HolderOf(context.User, policy, sent.Properties?.ExpiresUtc));

        if (context.Request.Query["ticket"] is not { Count: > 0 } values)
            return sent;

        if (endpoint?.GetMetadata<StreamMetadata>() is null)
        {
            if (!sent.Succeeded)
                await TellAsync(context, values.ToString());
            return sent;
        }

        try
        {
            if (values.Count > 1)
                throw new InvalidCredentialException("The request has more than one ticket.");

            var ticket = await tickets.ReadAsync(values.ToString(), context.RequestAborted);
            var user = UserOf(ticket, policy);
            if (sent.Succeeded && !IsOf(sent.Principal, user))
                throw new InvalidCredentialException("The ticket belongs to another user.");

            context.User = user;
            context.Features.Set(ticket);
            var properties = new AuthenticationProperties { ExpiresUtc = ticket.Until };

            return AuthenticateResult.Success(new AuthenticationTicket(user, properties, SchemesOf(policy)));
        }
        catch (InvalidCredentialException e)
        {
            // Logged, because the schemes answer the client with a bare 401.
            logger.LogInformation("A ticket was refused: {Reason}", e.Message);

            // The policy must not be met by another credential of the request.
            context.User = new ClaimsPrincipal(new ClaimsIdentity());
            return AuthenticateResult.Fail(e);
        }
    }

    public Task<PolicyAuthorizationResult> AuthorizeAsync(
        AuthorizationPolicy policy,
        AuthenticateResult authenticationResult,
        HttpContext context,
        object? resource
    ) => policies.AuthorizeAsync(policy, authenticationResult, context, resource);

    /// <summary>Tells the developer why an endpoint without a declaration has not read a ticket. Any other text may be
    /// a parameter of the application.</summary>
    private async Task TellAsync(HttpContext context, string text)
    {
        try
        {
            await tickets.ReadAsync(text, context.RequestAborted);
            logger.LogWarning(
                "A stream's ticket was not read: '{Endpoint}' does not declare that it returns an event "
                    + "stream. Declare EventStreamResult or Results<EventStreamResult, …> as its return type instead "
                    + "of IResult, or call WithEventStream() on it",
                context.GetEndpoint()?.DisplayName
            );
        }
        catch (Exception e) when (e is InvalidCredentialException or StoreUnavailableException) { }
    }

    private static TicketHolder HolderOf(ClaimsPrincipal user, AuthorizationPolicy policy, DateTimeOffset? until) =>
        new(
            User: null,
            until,
            Principal: TicketSerializer.Default.Serialize(new AuthenticationTicket(user, SchemesOf(policy)))
        );

    private static ClaimsPrincipal UserOf(SseTicket ticket, AuthorizationPolicy policy) =>
        ticket.Principal is { } principal
        && TicketSerializer.Default.Deserialize(principal) is { } holder
        && holder.AuthenticationScheme == SchemesOf(policy)
            ? holder.Principal
            : throw new InvalidCredentialException("The ticket was issued for another kind of credential.");

    /// <summary>Returns true if both are the same caller. Callers without a name are never the same.</summary>
    private static bool IsOf(ClaimsPrincipal sender, ClaimsPrincipal holder) =>
        CallerIdentity.IdOf(sender) is { } user && user == CallerIdentity.IdOf(holder);

    private static string SchemesOf(AuthorizationPolicy policy) =>
        string.Join(';', policy.AuthenticationSchemes.Distinct().Order(StringComparer.Ordinal));
}
