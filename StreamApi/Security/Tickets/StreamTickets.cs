using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using EventStore;
using Microsoft.Extensions.Options;
using StreamApi.Security.Credentials;
using Streaming;
using Streaming.Access;
using Streaming.Tickets;

namespace StreamApi.Security.Tickets;

/// <summary>Finds the caller behind a ticket, and behind the pass of another replica.</summary>
internal sealed class StreamTickets(
    TicketIssuer tickets,
    SharedSecret secret,
    ApiKeys keys,
    BearerTokens tokens,
    IOptions<StreamingOptions> streaming,
    TimeProvider clock
)
{
    private const string ReplicaPurpose = "replica";
    private static readonly TimeSpan ReplicaLife = TimeSpan.FromMinutes(1);

    private static readonly JsonTypeInfo<ReplicaPass> PassJson = JsonSerializerOptions.Default.TypeOf<ReplicaPass>();

    private sealed record ReplicaPass(string To, long E);

    /// <exception cref="InvalidCredentialException">The ticket is invalid or has expired.</exception>
    public async ValueTask<Caller> VerifyAsync(string text, CancellationToken cancellationToken)
    {
        var ticket = await tickets.VerifyAsync(text, cancellationToken);

        return IsBacked(ticket)
            ? new Caller(ticket.Holder.User, ticket.Grants, ticket.Until, ticket.Id)
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
            PassJson,
            cancellationToken
        );

    /// <exception cref="InvalidCredentialException">The pass is invalid or has expired.</exception>
    public async ValueTask<Caller> VerifyPassAsync(string text, CancellationToken cancellationToken) =>
        await secret.OpenAsync(ReplicaPurpose, text, PassJson, cancellationToken) is { } pass
        && pass.To == streaming.Value.Replica
        && DateTimeOffset.FromUnixTimeMilliseconds(pass.E) > clock.GetUtcNow()
            ? new Caller(Caller.Replica, new TopicGrants([SystemTopics.Connections], [SystemTopics.Connections]))
            : throw new InvalidCredentialException("The replica pass is not valid.");

    /// <summary>True if the key that requested the ticket, or signed its token, is configured now. An API key must
    /// still cover the topics.</summary>
    private bool IsBacked(IssuedTicket ticket) =>
        ticket.Holder is { User: { } user } holder && Caller.IsKey(user)
            ? keys.Find(user, holder.Key) is { } key && ticket.Topics.All(key.Grants.MayRead)
            : ticket.Holder.Key is null || tokens.Trusts(ticket.Holder.Key);
}
