using Npgsql;

namespace StreamApi.Storage;

/// <summary>Work that waits in a table until it is due, on any replica.</summary>
internal static class DueRows
{
    /// <summary>
    /// Whether a row is due: one small round trip, several times a second for as long as the replica lives. The transaction that takes
    /// due rows costs ten times as much, and nearly always there are none.
    /// </summary>
    /// <param name="table">Schema and name, of our own.</param>
    /// <param name="column">When a row is due; null: never.</param>
    public static async Task<bool> AnyDueAsync(this NpgsqlDataSource store, string table, string column, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = store.CreateCommand($"select exists (select from {table} where {column} <= $1)");
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
