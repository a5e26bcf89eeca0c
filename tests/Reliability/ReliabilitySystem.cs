using Harness;
using Harness.Worlds;
using Npgsql;

namespace Reliability;

/// <summary>
/// A separate system on free ports: Postgres with fsync, Redis, two replicas of StreamApi and two Broadcasters. Where
/// faults are injected, each service reaches the stores by its own links.
/// </summary>
internal sealed class ReliabilitySystem : IAsyncDisposable
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(120);
    private readonly StorePair _stores;

    private ReliabilitySystem(StorePair stores, SmallDisk? disk, FalseClock? clock, SystemKind kind)
    {
        _stores = stores;
        Disk = disk;
        Clock = clock;
        Services = new ServiceGroup((service, number) => Create(service, number, kind));
    }

    public IReadOnlyList<ServiceReplica> Replicas => Services.Replicas;
    public ServiceGroup Services { get; }
    public SystemProcess Postgres => _stores.Postgres.Process;
    public SystemProcess Redis => _stores.Redis.Process;
    public SmallDisk? Disk { get; }
    public FalseClock? Clock { get; }
    public Uri Url => Replicas[0].Url;

    /// <summary>The Broadcaster that led when the system was last ready.</summary>
    public ServiceReplica Leader { get; private set; } = null!;

    public static async Task<ReliabilitySystem> StartAsync(SystemKind kind, CancellationToken cancellationToken)
    {
        var clock = kind == SystemKind.SettableClock ? FalseClock.Find() : null;
        var disk = kind == SystemKind.SmallDisk ? SmallDisk.Mount() : null;
        ReliabilitySystem? system = null;
        try
        {
            var stores = new StorePair(disk: disk?.Folder, variables: clock?.For("Postgres"));
            system = new ReliabilitySystem(stores, disk, clock, kind);
            await stores.StartAsync(cancellationToken);
            await system.Services.StartAsync(cancellationToken);
            return system;
        }
        catch
        {
            if (system is not null)
                await system.DisposeAsync();
            else
                disk?.Dispose();
            throw;
        }
    }

    /// <summary>Waits until every process runs and Redis feeds the
    /// replicas, the state in which each row starts.</summary>
    public Task WaitUntilReadyAsync(CancellationToken cancellationToken) =>
        Services.WithinAsync(
            ReadyLimit,
            async token =>
            {
                foreach (var process in (SystemProcess[])[Postgres, Redis, .. Services.All.Select(s => s.Process)])
                    await process.StartAsync(token);
                await Services.WaitUntilLiveAsync(token);
                Leader = await Services.LeaderAsync(token);
            },
            cancellationToken
        );

    /// <summary>Counts the load's events in the log.</summary>
    public Task<long> CountAsync(CancellationToken cancellationToken) =>
        AskAsync<long>("select count(*) from eventstore.events where topic like 'load.%'", cancellationToken);

    /// <summary>Counts the Postgres sessions whose statement has run for more than a second.</summary>
    public Task<long> BusySessionsAsync(CancellationToken cancellationToken) =>
        AskAsync<long>(
            """
            select count(*) from pg_stat_activity
            where backend_type = 'client backend' and state = 'active'
              and clock_timestamp() - query_start > interval '1 second'
            """,
            cancellationToken
        );

    /// <summary>True if Postgres works for its clients alone, and the directory of topics has caught up with the
    /// log.</summary>
    public Task<bool> IsIdleBesideAsync(CancellationToken cancellationToken) =>
        AskAsync<bool>(
            """
            select eventstore.head() - (select through from eventstore.topic_directory) < 1000
                and not exists (select from pg_stat_activity where backend_type = 'autovacuum worker')
            """,
            cancellationToken
        );

    /// <summary>Returns the time of Postgres's clock.</summary>
    public async Task<DateTimeOffset> NowAsync(CancellationToken cancellationToken) =>
        await AskAsync<DateTime>("select clock_timestamp()", cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Services.DisposeAsync();
        await _stores.DisposeAsync();
        Disk?.Dispose();
        Clock?.Dispose();
    }

    private async Task<T> AskAsync<T>(string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(_stores.Postgres.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private ServiceReplica Create(string service, int number, SystemKind kind)
    {
        // Without faults the services connect directly: through links, their traffic would pass through this process.
        var links = kind is SystemKind.Guarded or SystemKind.Verbose ? null : new StoreLinks(_stores);
        var (postgres, redis) = (_stores.Postgres, _stores.Redis);
        var settings = new Dictionary<string, string>(
            Clock?.For($"{service} {number}") ?? new Dictionary<string, string>()
        )
        {
            ["ConnectionStrings__eventstore"] = postgres.At(links?.Postgres.Port ?? postgres.Port),
            ["ConnectionStrings__redis"] = redis.At(links?.Redis.Port ?? redis.Port),
        };
        return new ServiceReplica(service, number, settings.Concat(SystemSettings.Of(kind)), links);
    }
}
