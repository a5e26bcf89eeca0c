using Npgsql;

namespace EventStore;

/// <summary>Events that commit with a domain change, and how they get into the log.</summary>
public static class Outbox
{
    /// <summary>
    /// Writes an event into the caller's transaction. It is in the log, and only then has a position, some milliseconds after that
    /// transaction commits; it never exists if that rolls back. Events of one transaction keep their order.
    /// </summary>
    public static async Task AddAsync(NpgsqlConnection connection, NpgsqlTransaction? transaction, NewEvent e, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("insert into eventstore.outbox (id, topic, type, key, data, traceparent) values ($1, $2, $3, $4, $5, $6)", connection, transaction);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = e.Id ?? Guid.CreateVersion7() });
        foreach (var value in (ReadOnlySpan<string?>)[e.Topic, e.Type, e.Key, e.Data, e.TraceParent])
            command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = value });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Moves up to <paramref name="most"/> committed rows into the log; 0 where none wait or the fence is no longer held.</summary>
    public static async Task<int> RelayAsync(NpgsqlDataSource store, string lease, long fence, int most, CancellationToken cancellationToken)
    {
        await using var command = store.CreateCommand("select eventstore.relay_outbox($1, $2, $3)");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = lease });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = fence });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        return (int)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
