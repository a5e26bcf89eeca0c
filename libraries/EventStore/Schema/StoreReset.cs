using Npgsql;

namespace EventStore;

/// <summary>Empties the store, for operators and for tools without a host.</summary>
internal static class StoreReset
{
    /// <summary>Deletes every event and starts a new epoch; open streams get a resync.</summary>
    /// <exception cref="NpgsqlException">Postgres does not answer, or has no event store.</exception>
    public static async Task RunAsync(string connectionString, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        await connection.RunAsync("select eventstore.reset()", cancellationToken);
    }
}
