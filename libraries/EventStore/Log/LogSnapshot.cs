using Npgsql;

namespace EventStore;

/// <summary>Reads of the log within a caller's transaction: in the snapshot of a repeatable read they agree with the
/// caller's own tables.</summary>
public static class LogSnapshot
{
    /// <summary>Reads the head.</summary>
    /// <exception cref="NpgsqlException">Postgres does not answer.</exception>
    /// <exception cref="StoreUnavailableException">The server has no epoch yet; the feed records it in a
    /// moment.</exception>
    public static async Task<StreamId> HeadAsync(
        NpgsqlConnection connection,
        NpgsqlTransaction? transaction,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(
            "select eventstore.epoch(), eventstore.head()",
            connection,
            transaction
        );
        try
        {
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            await row.ReadAsync(cancellationToken);
            return new StreamId(row.GetString(0), row.GetInt64(1));
        }
        catch (PostgresException e) when (e.SqlState == StoreAccess.NoEpochYet)
        {
            // Not recorded here: the caller's snapshot would not see it.
            throw new StoreUnavailableException("Postgres has just been promoted or restored.", e);
        }
    }

    /// <summary>Returns the position of a topic's event by its ordinal, from 1; null if the topic has fewer, or the
    /// ordinal is above <see cref="TopicReader.MostOrdinal"/>.</summary>
    /// <exception cref="NpgsqlException">Postgres does not answer.</exception>
    public static async Task<long?> PositionAsync(
        NpgsqlConnection connection,
        NpgsqlTransaction? transaction,
        string topic,
        long ordinal,
        CancellationToken cancellationToken
    )
    {
        if (ordinal > TopicReader.MostOrdinal)
            return null;
        await using var command = new NpgsqlCommand(
            "select position from eventstore.events_of($1) order by topic, position offset $2 - 1 limit 1",
            connection,
            transaction
        );
        return await command.With(topic).With(ordinal).ExecuteScalarAsync(cancellationToken) as long?;
    }

    /// <summary>Returns the position of a topic's newest event of a type; null if there is none.</summary>
    /// <exception cref="NpgsqlException">Postgres does not answer.</exception>
    public static async Task<long?> LastPositionAsync(
        NpgsqlConnection connection,
        NpgsqlTransaction? transaction,
        string topic,
        string type,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(
            "select position from eventstore.events_of($1) where type = $2 order by topic desc, position desc limit 1",
            connection,
            transaction
        );
        return await command.With(topic).With(type).ExecuteScalarAsync(cancellationToken) as long?;
    }
}
