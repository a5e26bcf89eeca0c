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

    /// <summary>Finds an event by its number in a topic whose events are numbered: the member <c>id</c> of
    /// the data counts up from event to event; retention removes the lowest. Reads a row for each halving of the
    /// topic's range of positions, wherever the event is.</summary>
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
            select o.position - 1, (o.data::jsonb ->> 'id')::bigint, (n.data::jsonb ->> 'id')::bigint, n.position
            from (select position, data from eventstore.events_of($1) order by topic, position limit 1) o,
                (select position, data from eventstore.events_of($1) order by topic desc, position desc limit 1) n
            """,
            connection,
            transaction
        );
        NumberedEvent found;
        long newest;
        await using (var row = await ends.With(topic).ExecuteReaderAsync(cancellationToken))
        {
            if (!await row.ReadAsync(cancellationToken))
                return default;
            long? Number(int column) => row.IsDBNull(column) ? null : row.GetInt64(column);
            found = new NumberedEvent(row.GetInt64(0), Number(1), Number(2), null);
            newest = row.GetInt64(3);
        }
        if (number < found.Oldest || found.Newest is not { } last || number > last)
            return found;
        await using var search = new NpgsqlCommand(
            """
            -- The event is after low, and at high or before it.
            with recursive searched as (
                select $3 as low, $4 as high, null::bigint as found
                union all
                select case when e.number < $2 then e.position else low end,
                    case when e.number > $2 then (low + high) / 2 else high end,
                    case when e.number = $2 then e.position end
                from searched cross join lateral (
                    select position, (data::jsonb ->> 'id')::bigint as number
                    from eventstore.events_of($1, (low + high) / 2) order by topic, position limit 1
                ) e
                where found is null and low < high and e.number is not null
            )
            select found from searched where found is not null
            """,
            connection,
            transaction
        );
        search.With(topic).With(number).With(found.Start!.Value).With(newest);
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
/// <param name="At">Position of the event with the asked number; null if the topic does not have it.</param>
public readonly record struct NumberedEvent(long? Start, long? Oldest, long? Newest, long? At);
