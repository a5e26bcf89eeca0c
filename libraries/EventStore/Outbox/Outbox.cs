using Npgsql;

namespace EventStore;

/// <summary>Events that commit with a domain change, and how they get into the log.</summary>
public static class Outbox
{
    /// <summary>
    /// Writes an event into the caller's transaction. It is in the log, and only then has a position, some milliseconds
    /// after that
    /// transaction commits; it never exists if that rolls back. Events of one transaction keep their order.
    /// </summary>
    public static async Task AddAsync(
        NpgsqlConnection connection,
        NpgsqlTransaction? transaction,
        NewEvent e,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(
            "insert into eventstore.outbox (id, topic, type, key, data, traceparent) values ($1, $2, $3, $4, $5, $6)",
            connection,
            transaction
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = e.Id ?? Guid.CreateVersion7() });
        foreach (var value in (ReadOnlySpan<string?>)[e.Topic, e.Type, e.Key, e.Data, e.TraceParent])
            command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = value });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// Moves up to <paramref name="most"/> committed rows into the log, and those that no stream could show aside, into
    /// <c>eventstore.outbox_refused</c>. No rows where none wait or the fence is no longer held.
    /// </summary>
    public static async Task<OutboxMove> RelayAsync(
        NpgsqlDataSource store,
        string lease,
        long fence,
        int most,
        CancellationToken cancellationToken
    )
    {
        await using var command = store.CreateCommand("select moved, refused from eventstore.move_outbox($1, $2, $3)");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = lease });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = fence });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        return new OutboxMove(row.GetInt32(0), row.GetFieldValue<string[]>(1));
    }
}

/// <summary>Rows that have left the outbox.</summary>
/// <param name="Rows">Their number, those that were refused among them.</param>
/// <param name="Refused">Which were put aside, and why.</param>
public readonly record struct OutboxMove(int Rows, IReadOnlyList<string> Refused);
