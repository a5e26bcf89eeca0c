using Npgsql;

namespace EventStore;

internal static class StoreCommands
{
    /// <summary>Adds the next positional parameter; its Postgres type follows from <typeparamref name="T"/>.</summary>
    public static NpgsqlCommand With<T>(this NpgsqlCommand command, T value)
    {
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return command;
    }

    /// <summary>Returns the only row, once the end of the statement has proved the commit.</summary>
    public static async Task<T> RowAsync<T>(this NpgsqlCommand command, Func<NpgsqlDataReader, T> read)
    {
        await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
        await row.ReadAsync(CancellationToken.None);
        var result = read(row);
        while (await row.NextResultAsync(CancellationToken.None)) { }
        return result;
    }

    public static async Task<IReadOnlyList<T>> RowsAsync<T>(this NpgsqlCommand command, Func<NpgsqlDataReader, T> read)
    {
        await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
        var rows = new List<T>();
        while (await row.ReadAsync(CancellationToken.None))
            rows.Add(read(row));
        return rows;
    }

    /// <summary>Returns the value of a column, or null for a null.</summary>
    public static long? NumberOrNull(this NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) ? null : row.GetInt64(column);

    /// <inheritdoc cref="NumberOrNull"/>
    public static string? TextOrNull(this NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) ? null : row.GetString(column);
}
