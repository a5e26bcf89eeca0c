using StreamApi.Connections;
using StreamApi.Replicas;
using StreamApi.Security.Credentials;

namespace StreamApi.Security.Tickets;

/// <summary>
/// Tickets for <c>?ticket=</c>: <c>EventSource</c> can send no header. A ticket is sealed, not stored: it opens its
/// streams on any
/// replica, also while Postgres is away. It stands in a URL, so it is worth little: it reads some topics, for some
/// time, in one
/// connection, and nothing else.
/// </summary>
internal sealed class StreamTickets(SharedSecret secret, TimeProvider clock)
{
    private const string Purpose = "stream ticket",
        ReplicaPurpose = "replica";
    private static readonly TimeSpan ReplicaLife = TimeSpan.FromMinutes(1);

    /// <summary>What a ticket says; short names, for it is part of a URL.</summary>
    private sealed record Ticket(Guid I, string? U, string[] T, long E);

    private sealed record ReplicaPass(string To, long E);

    public ValueTask<string> IssueAsync(
        string? user,
        string[] topics,
        DateTimeOffset until,
        CancellationToken cancellationToken
    ) =>
        secret.SealAsync(
            Purpose,
            new Ticket(Guid.NewGuid(), user, topics, until.ToUnixTimeMilliseconds()),
            cancellationToken
        );

    /// <exception cref="InvalidCredentialException">It is none, or its time is over.</exception>
    public async ValueTask<Caller> VerifyAsync(string text, CancellationToken cancellationToken)
    {
        if (await secret.OpenAsync<Ticket>(Purpose, text, cancellationToken) is not { } ticket)
            throw new InvalidCredentialException("The ticket is not one of this server.");
        var until = DateTimeOffset.FromUnixTimeMilliseconds(ticket.E);
        if (until <= clock.GetUtcNow())
            throw new InvalidCredentialException("The ticket has expired.");
        return new Caller(ticket.U, new TopicGrants(ticket.T, []), until, ticket.I);
    }

    /// <summary>What a replica shows another when it asks it for its connections; of no worth elsewhere, since an
    /// address may lead to somebody else by now.</summary>
    public ValueTask<string> PassAsync(string replica, CancellationToken cancellationToken) =>
        secret.SealAsync(
            ReplicaPurpose,
            new ReplicaPass(replica, (clock.GetUtcNow() + ReplicaLife).ToUnixTimeMilliseconds()),
            cancellationToken
        );

    /// <exception cref="InvalidCredentialException">It is none, or its time is over.</exception>
    public async ValueTask<Caller> VerifyPassAsync(string text, CancellationToken cancellationToken) =>
        await secret.OpenAsync<ReplicaPass>(ReplicaPurpose, text, cancellationToken) is { } pass
        && pass.To == ReplicaName.Get("streamapi")
        && DateTimeOffset.FromUnixTimeMilliseconds(pass.E) > clock.GetUtcNow()
            ? new Caller(Caller.Replica, new TopicGrants([ConnectionsApi.Topic], []))
            : throw new InvalidCredentialException("The pass is not one of this server's replicas.");
}
