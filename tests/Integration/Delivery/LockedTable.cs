using Npgsql;

namespace Integration.Delivery;

/// <summary>Locks a table of a test's database, so that everything that reads it waits until the release.</summary>
internal sealed class LockedTable : IAsyncDisposable
{
    private readonly NpgsqlDataSource _database;
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;

    private LockedTable(NpgsqlDataSource database, NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        _database = database;
        _connection = connection;
        _transaction = transaction;
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<LockedTable> LockAsync(NpgsqlDataSource database, string table)
    {
        var connection = await database.OpenConnectionAsync(Cancelled);
        var locked = new LockedTable(database, connection, await connection.BeginTransactionAsync(Cancelled));
        await using var command = connection.CreateCommand();
        command.CommandText = $"lock table {table} in access exclusive mode";
        await command.ExecuteNonQueryAsync(Cancelled);
        return locked;
    }

    /// <summary>Counts the sessions whose statement contains the text and waits for a lock.</summary>
    public Task<long> WaitersAsync(string text) =>
        _database.AskAsync<long>(
            "select count(*) from pg_stat_activity where datname = current_database() and state = 'active' "
                + $"and wait_event_type = 'Lock' and query like '%{text}%'"
        );

    public Task ReleaseAsync() => _transaction.RollbackAsync(Cancelled);

    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync();
        await _connection.DisposeAsync();
    }
}
