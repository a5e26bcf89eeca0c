using LocalServices;
using LocalServices.Postgres;
using LocalServices.Redis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Reliability;

/// <summary>Postgres and Redis of a system, found or fetched as in the AppHost.
/// Unlike in an ephemeral stack, Postgres waits for the disk (fsync).</summary>
internal sealed class SystemStores : IAsyncDisposable
{
    private readonly LocalFolder _folder;

    private SystemStores(LocalFolder folder, SmallDisk? disk, FalseClock? clock)
    {
        (_folder, Disk) = (folder, disk);
        var data = disk is null ? folder : folder with { Data = disk.Folder };
        var cluster = PostgresCluster.Open(data);
        PostgresPort = LoopbackPort.Take(0, "Postgres", "PostgresPort");
        string[] settings =
        [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            "shared_buffers=128MB",
            "timezone=UTC",
            "fsync=on",
            "synchronous_commit=on",
            "full_page_writes=on",
            .. disk is null ? (string[])[] : ["max_wal_size=64MB", "min_wal_size=32MB"],
        ];
        Direct =
            $"Host=127.0.0.1;Port={PostgresPort};Database={PostgresCluster.Database};Username=postgres;"
            + $"Password={cluster.Password}";
        Postgres = new SystemProcess(
            "Postgres",
            [
                .. cluster.As,
                cluster.Programs.Server,
                "-D",
                cluster.Data,
                "-p",
                $"{PostgresPort}",
                .. settings.SelectMany(s => (string[])["-c", s]),
            ],
            Environment(cluster.Programs.Libraries, clock?.For("Postgres")),
            "INT",
            data.Data,
            token => IsHealthyAsync(new PostgresHealthCheck(PostgresPort), token)
        );

        var redis = LocalRedis.Prepare(folder, wantedPort: 0);
        (RedisPort, RedisPassword) = (redis.Port, redis.Password);
        Redis = new SystemProcess(
            "Redis",
            [redis.Program, redis.Configuration],
            Environment(redis.Libraries, null),
            "TERM",
            folder.Data,
            token => IsHealthyAsync(new RedisHealthCheck(RedisPort, redis.Password), token)
        );
    }

    public SystemProcess Postgres { get; }
    public SystemProcess Redis { get; }
    public SmallDisk? Disk { get; }
    public int PostgresPort { get; }
    public int RedisPort { get; }
    public string RedisPassword { get; }

    /// <summary>The connection string without a link in between.</summary>
    public string Direct { get; }

    public static SystemStores Prepare(bool smallDisk, FalseClock? clock)
    {
        var appHost = Path.Combine(Repository.Root, "AppHost");
        var folder = LocalFolder.For(
            appHost,
            new LocalServicesOptions(LocalServicesMode.Native, Ephemeral: true, 0, 0),
            new ServiceCollection()
        );
        var disk = smallDisk ? SmallDisk.Mount(Path.Combine(folder.Data, "disk")) : null;
        try
        {
            return new SystemStores(folder, disk, clock);
        }
        catch
        {
            disk?.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Postgres.DisposeAsync();
        await Redis.DisposeAsync();
        Disk?.Dispose();
        Directory.Delete(_folder.Data, recursive: true);
    }

    private static Dictionary<string, string> Environment(string? libraries, IReadOnlyDictionary<string, string>? more)
    {
        var environment = new Dictionary<string, string>(more ?? new Dictionary<string, string>());
        if (libraries is not null)
            environment["LD_LIBRARY_PATH"] = libraries;
        return environment;
    }

    private static async Task<bool> IsHealthyAsync(IHealthCheck check, CancellationToken cancellationToken) =>
        (await check.CheckHealthAsync(new HealthCheckContext(), cancellationToken)).Status == HealthStatus.Healthy;
}
