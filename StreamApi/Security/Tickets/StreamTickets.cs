using Microsoft.Extensions.Options;
using StreamApi.Security.Credentials;

namespace StreamApi.Security.Tickets;

/// <summary>Finds the caller behind a ticket, and behind the pass of another replica.</summary>
internal sealed class StreamTickets(
    TicketReader tickets,
    SharedSecret secret,
    ApiKeys keys,
    BearerTokens tokens,
    IOptions<SseOptions> streaming,
    TimeProvider clock
)
{
    private const string ReplicaPurpose = "replica";
    private static readonly TimeSpan ReplicaLife = TimeSpan.FromMinutes(1);

    /// <exception cref="InvalidCredentialException">The ticket is invalid or has expired.</exception>
    public async ValueTask<Caller> VerifyAsync(string text, CancellationToken cancellationToken)
    {
        var ticket = await tickets.ReadAsync(text, cancellationToken);

        return IsBacked(ticket)
            ? new Caller(ticket.User, ticket.Grants, ticket.Until, ticket.Id)
            : throw new InvalidCredentialException("The ticket's key is no longer valid for its topics.");
    }

    /// <summary>
    /// Creates the pass with which this replica authenticates to another. It names the recipient, because an address
    /// may meanwhile lead to another server.
    /// </summary>
    public ValueTask<string> PassAsync(string replica, CancellationToken cancellationToken) =>
        secret.SealAsync(
            ReplicaPurpose,
            new ReplicaPass(replica, (clock.GetUtcNow() + ReplicaLife).ToUnixTimeMilliseconds()),
            SealedJson.Default.ReplicaPass,
            cancellationToken
        );

    /// <exception cref="InvalidCredentialException">The pass is invalid or has expired.</exception>
    public async ValueTask<Caller> VerifyPassAsync(string text, CancellationToken cancellationToken) =>
        await secret.OpenAsync(ReplicaPurpose, text, SealedJson.Default.ReplicaPass, cancellationToken) is { } pass
        && pass.To == streaming.Value.Replica
        && DateTimeOffset.FromUnixTimeMilliseconds(pass.E) > clock.GetUtcNow()
            ? new Caller(Caller.Replica, new TopicGrants([SystemTopics.Connections], [SystemTopics.Connections]))
            : throw new InvalidCredentialException("The replica pass is not valid.");

    /// <summary>True if the key that requested the ticket, or signed its token, is configured now. An API key must
    /// still cover the topics.</summary>
    private bool IsBacked(SseTicket ticket) =>
        ticket.User is { } user && Caller.IsKey(user)
            ? keys.Find(user, ticket.Key) is { } key && ticket.Topics.All(key.Grants.MayRead)
            : ticket.Key is null || tokens.Trusts(ticket.Key);
}

/// <summary>The pass that a replica shows to another.</summary>
/// <param name="To">The name of the recipient.</param>
/// <param name="E">Its end in milliseconds of Unix time.</param>
internal sealed record ReplicaPass(string To, long E);
