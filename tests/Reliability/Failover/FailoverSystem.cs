using Harness.Worlds;
using LocalServices;

namespace Reliability.Failover;

/// <summary>A Patroni cluster, Redis, two replicas of StreamApi and two Broadcasters.</summary>
internal sealed class FailoverSystem : IAsyncDisposable
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(90);
    private readonly LocalFolder _folder;
    private readonly StoreServer _redis;

    private FailoverSystem(LocalFolder folder, PatroniCluster cluster)
    {
        _folder = folder;
        Cluster = cluster;
        _redis = StoreServer.Redis(folder);
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__eventstore"] = cluster.ConnectionString,
            ["ConnectionStrings__redis"] = _redis.ConnectionString,
        };
        Services = new ServiceGroup((service, number) => new(service, number, settings));
    }

    public PatroniCluster Cluster { get; }
    public ServiceGroup Services { get; }
    public Uri Url => Services.Replicas[0].Url;

    public static async Task<FailoverSystem> StartAsync(bool synchronous, CancellationToken cancellationToken)
    {
        var folder = StoreServer.Folder();
        var system = new FailoverSystem(
            folder,
            await PatroniCluster.StartAsync(folder, synchronous, cancellationToken)
        );
        try
        {
            await system._redis.Process.StartAsync(cancellationToken);
            await system.Services.StartAsync(cancellationToken);
            await system.WaitUntilReadyAsync(cancellationToken);
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until the cluster is complete and Redis feeds both replicas.</summary>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        await Cluster.WaitUntilCompleteAsync(cancellationToken);
        await Services.WithinAsync(ReadyLimit, Services.WaitUntilLiveAsync, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Services.DisposeAsync();
        await _redis.DisposeAsync();
        await Cluster.DisposeAsync();
        Directory.Delete(_folder.Data, recursive: true);
    }
}
