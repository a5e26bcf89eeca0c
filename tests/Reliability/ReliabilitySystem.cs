using System.Net.Http.Json;
using System.Text.Json;
using LoadTests;
using Npgsql;

namespace Reliability;

/// <summary>
/// A separate system on free ports: Postgres with fsync, Redis, two replicas of StreamApi and two Broadcasters. Where
/// faults are injected, each service reaches the stores by its own links.
/// </summary>
internal sealed class ReliabilitySystem : IAsyncDisposable
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(120);
    private static readonly HttpClient Http = new()
    {
        Timeout = TimeSpan.FromSeconds(3),
        DefaultRequestHeaders = { Authorization = new("Bearer", SystemSettings.Operator) },
    };
    private readonly SystemStores _stores;

    private ReliabilitySystem(SystemStores stores, FalseClock? clock, SystemKind kind)
    {
        (_stores, Clock) = (stores, clock);
        var (settings, linked) = (SystemSettings.Of(kind), kind is not (SystemKind.Guarded or SystemKind.Verbose));
        Replicas =
        [
            .. Enumerable.Range(1, 2).Select(i => new LinkedService("StreamApi", i, stores, clock, settings, linked)),
        ];
        Broadcasters =
        [
            .. Enumerable.Range(1, 2).Select(i => new LinkedService("Broadcaster", i, stores, clock, settings, linked)),
        ];
    }

    public IReadOnlyList<LinkedService> Replicas { get; }
    public IReadOnlyList<LinkedService> Broadcasters { get; }
    public IEnumerable<LinkedService> Services => [.. Replicas, .. Broadcasters];
    public SystemProcess Postgres => _stores.Postgres;
    public SystemProcess Redis => _stores.Redis;
    public SmallDisk? Disk => _stores.Disk;
    public FalseClock? Clock { get; }
    public Uri Url => Replicas[0].Url;

    /// <summary>The leading Broadcaster, as of the last call of <see cref="FindLeaderAsync"/>.</summary>
    public LinkedService Leader { get; private set; } = null!;

    public static async Task<ReliabilitySystem> StartAsync(SystemKind kind, CancellationToken cancellationToken)
    {
        var clock = kind == SystemKind.SettableClock ? FalseClock.Find() : null;
        var system = new ReliabilitySystem(SystemStores.Prepare(kind == SystemKind.SmallDisk, clock), clock, kind);
        try
        {
            await system._stores.Postgres.StartAsync(cancellationToken);
            await system._stores.Redis.StartAsync(cancellationToken);
            await system.Replicas[0].MigrateAsync(cancellationToken);
            foreach (var service in system.Services)
                await service.Process.StartAsync(cancellationToken);
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until every process runs and Redis feeds the
    /// replicas, the state in which each row starts.</summary>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ReadyLimit);
        try
        {
            foreach (var process in (SystemProcess[])[Postgres, Redis, .. Services.Select(s => s.Process)])
                await process.StartAsync(limit.Token);
            while (!(await Task.WhenAll(Replicas.Select(IsLiveAsync))).All(live => live))
                await Task.Delay(100, limit.Token);
            await FindLeaderAsync(limit.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LoadTestException(
                $"The system is not complete after {ReadyLimit.TotalSeconds} s: "
                    + string.Join("\n", Services.Select(s => $"{s.Name}:\n{s.Process.Output}")),
                e
            );
        }
    }

    /// <summary>Counts the load's events in the log.</summary>
    public async Task<long> CountAsync(CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(_stores.Direct + ";Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            "select count(*) from eventstore.events where topic like 'load.%'",
            connection
        );
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Counts the Postgres sessions whose statement has run for more than a second.</summary>
    public async Task<long> BusySessionsAsync(CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(_stores.Direct + ";Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            """
            select count(*) from pg_stat_activity
                        where backend_type = 'client backend' and state = 'active'
                          and clock_timestamp() - query_start > interval '1 second'
            """,
            connection
        );
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>True if Postgres works for its clients alone, and the directory of topics has caught up with the
    /// log.</summary>
    public async Task<bool> IsIdleBesideAsync(CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(_stores.Direct + ";Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            """
            select eventstore.head() - (select through from eventstore.topic_directory) < 1000
                and not exists (select from pg_stat_activity where backend_type = 'autovacuum worker')
            """,
            connection
        );
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Returns the time of Postgres's clock.</summary>
    public async Task<DateTimeOffset> NowAsync(CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(_stores.Direct + ";Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("select clock_timestamp()", connection);
        return (DateTime)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in Services)
            await service.DisposeAsync();
        await _stores.DisposeAsync();
        Clock?.Dispose();
    }

    private async Task FindLeaderAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            foreach (var broadcaster in Broadcasters)
                if (await LeadsAsync(broadcaster, cancellationToken))
                {
                    Leader = broadcaster;
                    return;
                }
            await Task.Delay(100, cancellationToken);
        }
    }

    private static async Task<bool> LeadsAsync(LinkedService broadcaster, CancellationToken cancellationToken)
    {
        try
        {
            return (await Http.GetFromJsonAsync<JsonElement>(new Uri(broadcaster.Url, "/status"), cancellationToken))
                .GetProperty("leader")
                .GetBoolean();
        }
        catch (Exception e)
            when (e is HttpRequestException or JsonException
                || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested)
            )
        {
            return false;
        }
    }

    private async Task<bool> IsLiveAsync(LinkedService replica)
    {
        try
        {
            var rows = await Http.GetFromJsonAsync<JsonElement>(new Uri(replica.Url, "/v1/replicas"));
            return rows.GetArrayLength() == Replicas.Count
                && rows.EnumerateArray().All(r => r.GetProperty("mode").GetString() == "live");
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or JsonException)
        {
            return false;
        }
    }
}
