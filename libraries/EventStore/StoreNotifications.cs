using System.Data;
using Npgsql;

namespace EventStore;

/// <summary>What Postgres notifies of.</summary>
public static class StoreNotifications
{
    /// <summary>Listens on a channel until cancelled or the connection breaks; then throws.</summary>
    /// <param name="store">The database.</param>
    /// <param name="channel">A channel of ours: an identifier, not checked.</param>
    /// <param name="listening">Called once notifications come; what was committed before is not told.</param>
    /// <param name="notified">Called with the payload of each.</param>
    /// <param name="cancellationToken">Ends the listening.</param>
    public static async Task ListenAsync(
        this NpgsqlDataSource store,
        string channel,
        Action listening,
        Action<string> notified,
        CancellationToken cancellationToken
    )
    {
        await using var connection = await store.OpenConnectionAsync(cancellationToken);
        connection.Notification += (_, e) => notified(e.Payload);
        await ExecuteAsync($"listen {channel}", cancellationToken);
        try
        {
            listening();
            while (true)
                await connection.WaitAsync(cancellationToken);
        }
        finally
        {
            // The pool does not reset what it takes back.
            if (connection.State == ConnectionState.Open)
                await ExecuteAsync($"unlisten {channel}", CancellationToken.None);
        }

        async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}
