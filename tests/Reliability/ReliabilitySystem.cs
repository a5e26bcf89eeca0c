using Harness;
using Harness.Worlds;
using Npgsql;

namespace Reliability;

/// <summary>A separate system on free ports: Postgres with fsync, Redis, two replicas of StreamApi and two
/// Broadcasters.</summary>
internal sealed class ReliabilitySystem : IAsyncDisposable
{
    private StorePair? _stores;
    private World? _world;

    private ReliabilitySystem() { }

    public World World => _world!;
    public IReadOnlyList<RunningService> Replicas => World.Replicas;
    public IEnumerable<RunningService> Services => [.. World.Replicas, .. World.Broadcasters];
    public SystemProcess Postgres => _stores!.Postgres.Process;
    public SystemProcess Redis => _stores!.Redis.Process;
    public SmallDisk? Disk { get; private set; }
    public FalseClock? Clock { get; private set; }
    public Uri Url => Replicas[0].Url;

    /// <summary>The Broadcaster that led when the system was last ready.</summary>
    public RunningService Leader { get; private set; } = null!;

    public static async Task<ReliabilitySystem> StartAsync(SystemKind kind, CancellationToken cancellationToken)
    {
        var system = new ReliabilitySystem();
        try
        {
            system.Clock = kind == SystemKind.SettableClock ? FalseClock.Find() : null;
            system.Disk = kind == SystemKind.SmallDisk ? SmallDisk.Mount() : null;
            var stores = new StorePair(disk: system.Disk?.Folder, variables: system.Clock?.For("Postgres"));

            system._stores = stores;
            await stores.StartAsync(cancellationToken);

            system._world = await ServiceWorld.StartAsync(
                stores.Postgres.ConnectionString,
                stores.Redis.ConnectionString,
                kind,
                system.Clock,
                cancellationToken
            );

            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until every process runs and Redis feeds the replicas, the state in which each row
    /// starts.</summary>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        await _stores!.StartAsync(cancellationToken);
        await World.RestoreAsync();
        Leader = await World.LeaderAsync();
    }

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

    /// <summary>Ends the sessions of all clients.</summary>
    public Task EndSessionsAsync(CancellationToken cancellationToken) =>
        AskAsync<long>(
            """
            select count(pg_terminate_backend(pid)) from pg_stat_activity
            where backend_type = 'client backend' and pid <> pg_backend_pid()
            """,
            cancellationToken
        );

    /// <summary>Commits an event as a replica does that sends its page itself, and sends none.</summary>
    public Task CommitUnsentAsync(string topic, string data, CancellationToken cancellationToken) =>
        AskAsync<string>(
            $"""
            select epoch from eventstore.append(array[0], array[gen_random_uuid()], array[null]::bytea[],
                array['{topic}'], array['probe'], array[null]::text[], array['{data}'], array[null]::text[], null, null,
                direct => true)
            """,
            cancellationToken
        );

    public async ValueTask DisposeAsync()
    {
        if (_world is not null)
            await _world.DisposeAsync();
        if (_stores is not null)
            await _stores.DisposeAsync();
        Disk?.Dispose();
        Clock?.Dispose();
    }

    private async Task<T> AskAsync<T>(string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(_stores!.Postgres.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
