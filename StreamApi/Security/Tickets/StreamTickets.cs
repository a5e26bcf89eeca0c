using Microsoft.Extensions.Options;
using StreamApi.Security.Credentials;
using Streaming;

namespace StreamApi.Security.Tickets;

/// <summary>
/// Issues and checks tickets (<c>?ticket=</c>), because <c>EventSource</c> can send no header. A ticket is encrypted,
/// not stored, so any replica accepts it even while Postgres is down; it grants some topics until a time, to one
/// connection (<see cref="TicketSessions"/>).
/// </summary>
internal sealed class StreamTickets(
    SharedSecret secret,
    ApiKeys keys,
    BearerTokens tokens,
    IOptions<StreamingOptions> streaming,
    TimeProvider clock
)
{
    private const string Purpose = "stream ticket",
        ReplicaPurpose = "replica";
    private static readonly TimeSpan ReplicaLife = TimeSpan.FromMinutes(1);

    /// <summary>Content of a ticket; names are short because it is part of a URL. A ticket of an earlier version has no
    /// key (<c>K</c>).</summary>
    private sealed record Ticket(Guid I, string? U, string[] T, long E, string? K = null);

    private sealed record ReplicaPass(string To, long E);

    public ValueTask<string> IssueAsync(
        Caller caller,
        string[] topics,
        DateTimeOffset until,
        CancellationToken cancellationToken
    ) =>
        secret.SealAsync(
            Purpose,
            new Ticket(Guid.NewGuid(), caller.User, topics, until.ToUnixTimeMilliseconds(), caller.Key),
            cancellationToken
        );

    /// <exception cref="InvalidCredentialException">The ticket is invalid or has expired.</exception>
    public async ValueTask<Caller> VerifyAsync(string text, CancellationToken cancellationToken)
    {
        if (await secret.OpenAsync<Ticket>(Purpose, text, cancellationToken) is not { } ticket)
            throw new InvalidCredentialException("The ticket is not valid.");
        var until = DateTimeOffset.FromUnixTimeMilliseconds(ticket.E);
        if (until <= clock.GetUtcNow())
            throw new InvalidCredentialException("The ticket has expired.");
        if (!IsBacked(ticket))
            throw new InvalidCredentialException("The ticket's key is no longer valid for its topics.");
        return new Caller(ticket.U, new TopicGrants(ticket.T, []), until, ticket.I);
    }

    /// <summary>True if the key that requested the ticket, or signed its token, is configured now. An API key must
    /// still cover the topics.</summary>
    private bool IsBacked(Ticket ticket) =>
        ticket.U is { } user && Caller.IsKey(user)
            ? keys.Find(user, ticket.K) is { } key && ticket.T.All(key.Grants.MayRead)
            : ticket.K is null || tokens.Trusts(ticket.K);

    /// <summary>
    /// Creates the pass with which this replica authenticates to another. It names the recipient, because an address
    /// may meanwhile lead to another server.
    /// </summary>
    public ValueTask<string> PassAsync(string replica, CancellationToken cancellationToken) =>
        secret.SealAsync(
            ReplicaPurpose,
            new ReplicaPass(replica, (clock.GetUtcNow() + ReplicaLife).ToUnixTimeMilliseconds()),
            cancellationToken
        );

    /// <exception cref="InvalidCredentialException">The pass is invalid or has expired.</exception>
    public async ValueTask<Caller> VerifyPassAsync(string text, CancellationToken cancellationToken) =>
        await secret.OpenAsync<ReplicaPass>(ReplicaPurpose, text, cancellationToken) is { } pass
        && pass.To == streaming.Value.Replica
        && DateTimeOffset.FromUnixTimeMilliseconds(pass.E) > clock.GetUtcNow()
            ? new Caller(Caller.Replica, new TopicGrants([SystemTopics.Connections], [SystemTopics.Connections]))
            : throw new InvalidCredentialException("The replica pass is not valid.");
}
