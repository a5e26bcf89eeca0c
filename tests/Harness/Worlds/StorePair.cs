using LocalServices;

namespace Harness.Worlds;

/// <summary>A Postgres and a Redis of this program alone. Unlike in an ephemeral stack, Postgres waits for the disk
/// (fsync), unless told otherwise.</summary>
internal sealed class StorePair : IAsyncDisposable
{
    private readonly LocalFolder _folder = StoreServer.Folder();

    /// <param name="durable">True to make Postgres wait for the disk.</param>
    /// <param name="disk">A small disk for Postgres's data, or null for a folder beside Redis's.</param>
    /// <param name="variables">Variables of Postgres's environment.</param>
    public StorePair(bool durable = true, string? disk = null, IReadOnlyDictionary<string, string>? variables = null)
    {
        Postgres = StoreServer.Postgres(
            disk is null ? _folder : _folder with { Data = disk },
            [
                .. durable ? [] : (string[])["fsync=off", "synchronous_commit=off"],
                .. disk is null ? [] : (string[])["max_wal_size=64MB", "min_wal_size=32MB"],
            ],
            variables
        );
        Redis = StoreServer.Redis(_folder);
    }

    public StoreServer Postgres { get; }
    public StoreServer Redis { get; }
    public IReadOnlyList<int> Processes => [.. Postgres.Process.Processes, .. Redis.Process.Processes];

    /// <summary>Starts both, if they do not run.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await Postgres.Process.StartAsync(cancellationToken);
        await Redis.Process.StartAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Postgres.DisposeAsync();
        await Redis.DisposeAsync();
        Directory.Delete(_folder.Data, recursive: true);
    }
}
