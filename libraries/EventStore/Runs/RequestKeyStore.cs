using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace EventStore;

/// <summary>Keys of requests that a client may repeat without a second effect, kept for 24 h. Thread-safe.</summary>
internal sealed class RequestKeyStore([FromKeyedServices(StorePool.Work)] NpgsqlDataSource store)
{
    private static readonly TimeSpan Kept = TimeSpan.FromHours(24);

    /// <summary>Returns the id of the first request with a key, or null if no request with this content has the
    /// key.</summary>
    /// <inheritdoc cref="ClaimAsync" path="/param"/>
    /// <inheritdoc cref="ClaimAsync" path="/exception"/>
    public Task<string?> FindAsync(string owner, string key, string content, CancellationToken cancellationToken) =>
        store.ReadAsync(
            """
            select answer from eventstore.idempotency_keys
            where owner = $1 and key = $2 and digest = $3 and created_at >= clock_timestamp() - $4
            """,
            async command =>
            {
                AddKey(command, owner, key, content).With(Kept);
                return (string?)await command.ExecuteScalarAsync(CancellationToken.None);
            },
            cancellationToken
        );

    /// <summary>Claims a key for a request. Returns the given id, or the id of the first request with the key, or null
    /// if that request had other content.</summary>
    /// <param name="owner">The user. Users do not share keys.</param>
    /// <param name="content">A text that is equal for equal requests.</param>
    /// <param name="cancellationToken">Ends the wait; the key may be claimed nevertheless.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<string?> ClaimAsync(
        string owner,
        string key,
        string content,
        string id,
        CancellationToken cancellationToken
    ) =>
        store.ChangeAsync<string?>(
            "select same, first_answer from eventstore.claim_key($1, $2, $3, $4, $5)",
            command =>
                AddKey(command, owner, key, content)
                    .With(id)
                    .With(Kept)
                    .RowAsync(row => row.GetBoolean(0) ? row.GetString(1) : null),
            cancellationToken
        );

    private static NpgsqlCommand AddKey(NpgsqlCommand command, string owner, string key, string content) =>
        command.With(owner).With(key).With(SHA256.HashData(Encoding.UTF8.GetBytes(content)));
}
