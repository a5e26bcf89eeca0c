using System.Data;
using Npgsql;

namespace EventStore;

/// <summary>Receives Postgres's notifications. Thread-safe.</summary>
public static class StoreNotifications
{
    /// <summary>Listens on a channel, on a connection of its own, until cancelled or until the connection breaks.
    /// Always ends by an exception.</summary>
    /// <param name="store">The database.</param>
    /// <param name="channel">An SQL identifier; not quoted, so never a client's text.</param>
    /// <param name="listening">Called when the connection listens. Earlier commits are not notified.</param>
    /// <param name="notified">Called with the payload of each notification; must not block.</param>
    /// <param name="cancellationToken">Ends the listening.</param>
    /// <exception cref="NpgsqlException">Postgres does not answer, or the connection broke.</exception>
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
            // The pool does not reset connections.
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
