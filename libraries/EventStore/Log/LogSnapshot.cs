using Npgsql;

namespace EventStore;

/// <summary>Reads of the log within a caller's transaction: in the snapshot of a repeatable read they agree with the
/// caller's own tables.</summary>
public static class LogSnapshot
{
    /// <summary>Maximum events searched behind the numbered one.</summary>
    private const int MostBack = 100_000;

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

    /// <summary>Finds an event by its number in a topic whose events are numbered: the member <c>id</c> of
    /// the data counts up from event to event; retention removes the lowest.</summary>
    /// <exception cref="NpgsqlException">Postgres does not answer.</exception>
    public static async Task<NumberedEvent> NumberedAsync(
        NpgsqlConnection connection,
        NpgsqlTransaction? transaction,
        string topic,
        long number,
        CancellationToken cancellationToken
    )
    {
        await using var ends = new NpgsqlCommand(
            """
            select o.position - 1, (o.data::jsonb ->> 'id')::bigint, (n.data::jsonb ->> 'id')::bigint
            from (select position, data from eventstore.events_of($1) order by topic, position limit 1) o,
                (select data from eventstore.events_of($1) order by topic desc, position desc limit 1) n
            """,
            connection,
            transaction
        );
        NumberedEvent found;
        await using (var row = await ends.With(topic).ExecuteReaderAsync(cancellationToken))
        {
            if (!await row.ReadAsync(cancellationToken))
                return default;
            long? Number(int column) => row.IsDBNull(column) ? null : row.GetInt64(column);
            found = new NumberedEvent(row.GetInt64(0), Number(1), Number(2), null);
        }
        if (found.Newest - number is not (>= 0 and <= MostBack and var back) || number < found.Oldest)
            return found;
        await using var search = new NpgsqlCommand(
            """
            select case when (data::jsonb ->> 'id')::bigint = $3 then position end from eventstore.events_of($1)
            order by topic desc, position desc offset $2 limit 1
            """,
            connection,
            transaction
        );
        search.With(topic).With(back).With(number);
        return found with { At = await search.ExecuteScalarAsync(cancellationToken) as long? };
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

/// <summary>A numbered event, and the ends of its topic.</summary>
/// <param name="Start">Position before the topic's oldest event; null if it has none.</param>
/// <param name="Oldest">Number of the oldest event; null without one.</param>
/// <param name="Newest">Number of the newest event; null without one.</param>
/// <param name="At">Position of the event with the asked number; null if the topic does not have it, or has more than
/// 100,000 after it.</param>
public readonly record struct NumberedEvent(long? Start, long? Oldest, long? Newest, long? At);
