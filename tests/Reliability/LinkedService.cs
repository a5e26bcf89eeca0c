using Harness;
using Npgsql;

namespace Reliability;

/// <summary>A replica of a service on a fixed port, with its own links to the stores.</summary>
internal sealed class LinkedService : IAsyncDisposable
{
    private readonly ServiceReplica _replica;

    public LinkedService(
        string service,
        int number,
        SystemStores stores,
        FalseClock? clock,
        IReadOnlyDictionary<string, string> settings,
        bool linked
    )
    {
        (Postgres, Redis) = (
            new FaultyLink("127.0.0.1", stores.PostgresPort),
            new FaultyLink("127.0.0.1", stores.RedisPort)
        );
        // Without faults the services connect directly: through the
        // links, their traffic would pass through this process.
        var (postgres, redis) = linked ? (Postgres.Port, Redis.Port) : (stores.PostgresPort, stores.RedisPort);
        var environment = new Dictionary<string, string>(
            clock?.For($"{service} {number}") ?? new Dictionary<string, string>()
        )
        {
            ["ConnectionStrings__eventstore"] = new NpgsqlConnectionStringBuilder(stores.Direct)
            {
                Port = postgres,
            }.ConnectionString,
            ["ConnectionStrings__redis"] = $"127.0.0.1:{redis},password={stores.RedisPassword}",
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["Traffic__Enabled"] = "false",
            ["Logging__Console__FormatterName"] = "simple",
            ["Logging__Console__FormatterOptions__TimestampFormat"] = "HH:mm:ss.fff ",
            ["Logging__Console__FormatterOptions__SingleLine"] = "true",
        };
        foreach (var (name, value) in settings)
            environment[name] = value;
        _replica = new ServiceReplica(service, number, environment);
    }

    public string Name => _replica.Name;
    public Uri Url => _replica.Url;
    public FaultyLink Postgres { get; }
    public FaultyLink Redis { get; }
    public SystemProcess Process => _replica.Process;

    public Task MigrateAsync(CancellationToken cancellationToken) => _replica.MigrateAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        await Postgres.DisposeAsync();
        await Redis.DisposeAsync();
    }
}
