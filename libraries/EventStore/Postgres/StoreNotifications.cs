using System.Data;
using Npgsql;

namespace EventStore;

internal static class StoreNotifications
{
    /// <summary>Listens on a channel, on its own connection, until it is cancelled or the connection breaks. It always
    /// ends with an exception.</summary>
    /// <param name="channel">An SQL identifier; not quoted, so never a client's text.</param>
    /// <param name="listening">Called when the connection listens. Earlier commits are not notified.</param>
    /// <param name="notified">Called with the payload of each notification; must not block.</param>
    public static async Task ListenAsync(
        this NpgsqlDataSource store,
        string channel,
        Action listening,
        Action<string> notified,
        CancellationToken cancellationToken
    )
    {
        var connection = await store.OpenDirectAsync(cancellationToken);
        NotificationEventHandler note = (_, e) => notified(e.Payload);
        connection.Notification += note;

        try
        {
            await using (var listen = new NpgsqlCommand($"listen {channel}", connection))
                await listen.ExecuteNonQueryAsync(cancellationToken);
            listening();
            while (true)
                await connection.WaitAsync(cancellationToken);
        }
        finally
        {
            connection.Notification -= note;
            // Not awaited: a frozen host does not answer, and the caller must not wait for it.
            _ = ReturnAsync(connection, channel);
        }
    }

    private static async Task ReturnAsync(NpgsqlConnection connection, string channel)
    {
        try
        {
            // The pool does not reset connections.
            await using var _ = connection;
            await using var unlisten = new NpgsqlCommand($"unlisten {channel}", connection);
            if (connection.State == ConnectionState.Open)
                await unlisten.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException or ObjectDisposedException)
        { /* the pool drops the broken connection */
        }
    }
}
