using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace EventStore;

/// <summary>
/// Keys under which a request may be sent again without being done again; kept in Postgres for 24 h. Thread-safe.
/// </summary>
public sealed class IdempotencyKeys(NpgsqlDataSource store)
{
    private static readonly TimeSpan Kept = TimeSpan.FromHours(24);

    /// <summary>
    /// Claims a key for a request, and returns the id that belongs to it: the given one, or the one of the first
    /// request with this key.
    /// </summary>
    /// <param name="owner">The user whose key it is.</param>
    /// <param name="key">The key.</param>
    /// <param name="content">Text that must be equal for a request to count as the same.</param>
    /// <param name="id">The id for what the request makes, where the key is new.</param>
    /// <param name="cancellationToken">Cancels the claim.</param>
    /// <returns>Null where the key was used for other content.</returns>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<string?> ClaimAsync(
        string owner,
        string key,
        string content,
        string id,
        CancellationToken cancellationToken
    ) =>
        store.AskAsync<string?>(
            "select same, first_answer from eventstore.claim_key($1, $2, $3, $4, $5)",
            async command =>
            {
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = owner });
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
                command.Parameters.Add(
                    new NpgsqlParameter<byte[]> { TypedValue = SHA256.HashData(Encoding.UTF8.GetBytes(content)) }
                );
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
                command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = Kept });
                await using var row = await command.ExecuteReaderAsync(cancellationToken);
                await row.ReadAsync(cancellationToken);
                return row.GetBoolean(0) ? row.GetString(1) : null;
            }
        );
}
