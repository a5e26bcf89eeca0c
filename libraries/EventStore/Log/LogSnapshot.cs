using Npgsql;

namespace EventStore;

/// <summary>Reads the log in a caller's transaction: with repeatable read, the log and the caller's own tables are in
/// one state.</summary>
internal static class LogSnapshot
{
    /// <summary>Reads the head as the transaction sees it.</summary>
    /// <param name="transaction">The transaction, or null for an ambient one.</param>
    /// <exception cref="InvalidOperationException">The transaction's isolation level is too low: each statement sees
    /// another state.</exception>
    /// <exception cref="NpgsqlException">Postgres does not answer.</exception>
    /// <exception cref="StoreUnavailableException">The server has no epoch yet; the feed records it soon.</exception>
    public static async Task<StreamPosition> HeadAsync(NpgsqlConnection connection, NpgsqlTransaction? transaction)
    {
        await using var command = new NpgsqlCommand(
            "select current_setting('transaction_isolation'), eventstore.epoch(), eventstore.head()",
            connection,
            transaction
        );
        try
        {
            await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
            await row.ReadAsync(CancellationToken.None);
            // Asked of Postgres: a setting or a statement may have set the level, too.
            return row.GetString(0) is "repeatable read" or "serializable"
                ? new StreamPosition(row.GetString(1), row.GetInt64(2))
                : throw new InvalidOperationException(
                    $"In a transaction of {row.GetString(0)}, changes that commit between a read and this place "
                        + "would be missed: begin it with IsolationLevel.RepeatableRead or Serializable."
                );
        }
        catch (PostgresException e) when (e.SqlState == StoreAccess.NoEpochYet)
        {
            // No epoch is recorded here, because the caller's snapshot would not see it.
            throw new StoreUnavailableException("Postgres has just been promoted or restored.", e);
        }
        catch (PostgresException e) when (StoreError.Mistake(e) is { } mistake)
        {
            throw new InvalidOperationException(mistake, e);
        }
    }
}
