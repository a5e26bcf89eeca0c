using System.Globalization;
using Npgsql;

namespace Harness.Worlds;

/// <summary>A replica within the test's process whose stores hear no more of it when it ends, as after a kill. A test
/// that looks at the connections of its clients kills a process instead.</summary>
internal sealed class MortalReplica : IAsyncDisposable
{
    private readonly FaultyLink _postgres;
    private readonly FaultyLink _redis;
    private RunningService? _service;

    private MortalReplica(NpgsqlConnectionStringBuilder database, string[] redis)
    {
        database.ApplicationName = ApplicationName;
        _postgres = new FaultyLink(database.Host!, database.Port);
        _redis = new FaultyLink(redis[0], int.Parse(redis[1], CultureInfo.InvariantCulture));
    }

    public RunningService Service => _service!;

    /// <summary>The name of its connections, and of no others, in <c>pg_stat_activity</c>.</summary>
    public string ApplicationName { get; } = $"mortal {Guid.NewGuid():N}";

    /// <summary>Starts one more replica of a world.</summary>
    public static async Task<MortalReplica> StartAsync(World world, Dictionary<string, string>? settings = null)
    {
        var database = world.DirectDatabase;
        var redis = Stores.Shared.Redis.Split(',', 2);
        var replica = new MortalReplica(database, redis[0].Split(':'));

        database.Host = "127.0.0.1";
        database.Port = replica._postgres.Port;
        redis[0] = $"127.0.0.1:{replica._redis.Port}";

        replica._service = await world.StartReplicaAsync(
            new(settings ?? [])
            {
                ["ConnectionStrings__eventstore"] = database.ConnectionString,
                ["ConnectionStrings__redis"] = string.Join(',', redis),
            }
        );

        return replica;
    }

    public async Task KillAsync()
    {
        _postgres.Cut();
        _redis.Cut();
        await Service.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_service is not null)
            await _service.DisposeAsync();
        await _postgres.DisposeAsync();
        await _redis.DisposeAsync();
    }
}
