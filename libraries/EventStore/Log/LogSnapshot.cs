using Npgsql;

namespace EventStore;

/// <summary>Reads the log in a caller's transaction: a repeatable read agrees with the caller's own tables.</summary>
internal static class LogSnapshot
{
    /// <summary>Reads the head.</summary>
    /// <exception cref="NpgsqlException">Postgres does not answer.</exception>
    /// <exception cref="StoreUnavailableException">The server has no epoch yet; the feed records it soon.</exception>
    public static async Task<StreamPosition> HeadAsync(NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        await using var command = new NpgsqlCommand(
            "select eventstore.epoch(), eventstore.head()",
            connection,
            transaction
        );
        try
        {
            await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
            await row.ReadAsync(CancellationToken.None);
            return new StreamPosition(row.GetString(0), row.GetInt64(1));
        }
        catch (PostgresException e) when (e.SqlState == StoreAccess.NoEpochYet)
        {
            // Not recorded here: the caller's snapshot would not see it.
            throw new StoreUnavailableException("Postgres has just been promoted or restored.", e);
        }
    }
}
