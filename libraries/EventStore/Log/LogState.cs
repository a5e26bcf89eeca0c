using Npgsql;

namespace EventStore;

/// <summary>The log as of one snapshot, without its events.</summary>
/// <param name="DroppedThrough">Retention has dropped every position up to here; 0 if none.</param>
internal sealed record LogState(string Epoch, long Head, long DroppedThrough)
{
    /// <summary>The start of a query. Materialized, or the functions would run again for each joined row.</summary>
    public const string Sql = """
        with state as materialized (
            select eventstore.epoch() as epoch, eventstore.head() as head,
                (select dropped_through from eventstore.store) as dropped_through
        )
        """;

    /// <summary>The first three columns of such a query, for <see cref="Of"/>.</summary>
    public const string Columns = "state.epoch, state.head, state.dropped_through";

    public static LogState Of(NpgsqlDataReader row) => new(row.GetString(0), row.GetInt64(1), row.GetInt64(2));
}
