using Harness.Worlds;
using LocalServices;
using Reliability.Load;

namespace Reliability.Failover;

/// <summary>A Patroni cluster, Redis, two replicas of StreamApi and two Broadcasters, and the load that the failovers
/// share: they happen in turn, under readers that stay.</summary>
internal sealed class FailoverSystem : IAsyncDisposable
{
    private static FailoverSystem? _current;

    private readonly LocalFolder _folder = StoreServer.Folder();
    private readonly StoreServer _redis;
    private readonly bool _synchronous;
    private PatroniCluster? _cluster;
    private World? _world;
    private SteadyLoad? _load;

    private FailoverSystem(bool synchronous)
    {
        _synchronous = synchronous;
        _redis = StoreServer.Redis(_folder);
    }

    public PatroniCluster Cluster => _cluster!;
    public World World => _world!;
    public SteadyLoad Load => _load!;

    /// <summary>Returns the cluster with its load, complete and without a fault.</summary>
    public static async Task<FailoverSystem> ReadyAsync(
        bool synchronous,
        ReliabilityOptions options,
        CancellationToken cancellationToken
    )
    {
        if (_current?._synchronous != synchronous)
        {
            await EndAsync();
            // Finding the programs blocks a thread. After the disposal this may be the thread of a socket, and the
            // output of a child process would wait for it.
            await Task.Run(() => StartAsync(synchronous, cancellationToken), cancellationToken);
        }

        var system = _current!;
        await system.WaitUntilReadyAsync(cancellationToken);
        system._load ??= await SteadyLoad.StartAsync(
            system.World.Replicas[0].Url,
            system.Cluster.ConnectionString,
            options.FailoverClients,
            options.FailoverRate,
            cancellationToken
        );

        return system;
    }

    /// <summary>Ends the cluster and its load, if there is one.</summary>
    public static async Task EndAsync()
    {
        if (_current is not null)
            await _current.DisposeAsync();
        _current = null;
    }

    /// <summary>Waits until the cluster is complete and Redis feeds both replicas.</summary>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        await Cluster.WaitUntilCompleteAsync(cancellationToken);
        await World.RestoreAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_load is not null)
            await _load.DisposeAsync();
        if (_world is not null)
            await _world.DisposeAsync();

        await _redis.DisposeAsync();

        if (_cluster is not null)
            await _cluster.DisposeAsync();

        Directory.Delete(_folder.Data, recursive: true);
    }

    private static async Task StartAsync(bool synchronous, CancellationToken cancellationToken)
    {
        // Kept at once, so that its end ends what has been started.
        var system = _current = new FailoverSystem(synchronous);
        system._cluster = await PatroniCluster.StartAsync(system._folder, synchronous, cancellationToken);
        await system._redis.Process.StartAsync(cancellationToken);
        system._world = await ServiceWorld.StartAsync(
            system.Cluster.ConnectionString,
            system._redis.ConnectionString,
            SystemKind.OwnSystem,
            clock: null,
            cancellationToken
        );
    }
}
