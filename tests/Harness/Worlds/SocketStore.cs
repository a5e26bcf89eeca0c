using LocalServices;
using Npgsql;

namespace Harness.Worlds;

/// <summary>A Postgres of its own that a Unix socket reaches, too.</summary>
internal sealed class SocketStore : IAsyncDisposable
{
    private readonly LocalFolder _folder;
    private readonly StoreServer _server;

    private SocketStore(LocalFolder folder)
    {
        _folder = folder;
        // The server works in its data folder, where its user may write.
        _server = StoreServer.Postgres(folder, ["unix_socket_directories=.", "fsync=off"]);
    }

    /// <summary>The connection string of clients that take the socket.</summary>
    public string ConnectionString =>
        new NpgsqlConnectionStringBuilder(_server.ConnectionString)
        {
            Host = Path.Combine(_folder.Data, "postgres", "cluster"),
        }.ConnectionString;

    public static async Task<SocketStore> StartAsync(CancellationToken cancellationToken)
    {
        var store = new SocketStore(StoreServer.Folder());
        await store._server.Process.StartAsync(cancellationToken);
        return store;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder.Data, recursive: true);
    }
}
