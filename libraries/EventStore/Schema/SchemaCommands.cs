using Npgsql;

namespace EventStore;

/// <summary>Commands that change the schema; they take as long as they need.</summary>
internal static class SchemaCommands
{
    /// <summary>Runs one statement, or several without parameters, and returns the number of changed rows.</summary>
    public static async Task<int> RunAsync(
        this NpgsqlConnection connection,
        string sql,
        CancellationToken cancellationToken,
        params string[] parameters
    )
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        foreach (var value in parameters)
            command.With(value);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
