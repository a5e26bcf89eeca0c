using Harness;
using LocalServices;
using LocalServices.Postgres;
using LocalServices.Redis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Benchmarks.Servers;

/// <summary>A Postgres and a Redis for this run, found or fetched as in the AppHost, on
/// free ports. Unlike in the tests, Postgres waits for the disk by default.</summary>
internal sealed class Stores : IAsyncDisposable
{
    private readonly List<ChildProcess> _servers = [];
    private readonly LocalFolder _folder;

    private Stores(LocalFolder folder) => _folder = folder;

    public string EventStore { get; private set; } = "";
    public string Redis { get; private set; } = "";
    public IReadOnlyList<int> Processes => [.. _servers.SelectMany(s => s.Processes)];

    /// <param name="durable">True to make Postgres wait for the disk.</param>
    public static async Task<Stores> StartAsync(bool durable, CancellationToken cancellationToken)
    {
        try
        {
            var appHost = Path.Combine(Repository.Root, "AppHost");
            var stores = new Stores(
                LocalFolder.For(
                    appHost,
                    new LocalServicesOptions(LocalServicesMode.Native, Ephemeral: true, 0, 0),
                    new ServiceCollection()
                )
            );
            try
            {
                await stores.StartPostgresAsync(durable, cancellationToken);
                await stores.StartRedisAsync(cancellationToken);
                return stores;
            }
            catch
            {
                await stores.DisposeAsync();
                throw;
            }
        }
        catch (LocalServicesException e)
        {
            throw new BenchmarkException(e.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
        Directory.Delete(_folder.Data, recursive: true);
    }

    private async Task StartPostgresAsync(bool durable, CancellationToken cancellationToken)
    {
        var cluster = PostgresCluster.Open(_folder);
        var port = LoopbackPort.Take(0, "Postgres", "PostgresPort");
        string[] settings =
        [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            "shared_buffers=128MB",
            "timezone=UTC",
            $"fsync={(durable ? "on" : "off")}",
            $"synchronous_commit={(durable ? "on" : "off")}",
            "logging_collector=on",
            "log_directory=log",
            "log_filename=postgres.log",
        ];
        await StartAsync(
            "Postgres",
            [
                .. cluster.As,
                cluster.Programs.Server,
                "-D",
                cluster.Data,
                "-p",
                $"{port}",
                .. settings.SelectMany(s => (string[])["-c", s]),
            ],
            cluster.Programs.Libraries,
            "INT",
            new PostgresHealthCheck(port),
            cancellationToken
        );
        EventStore =
            $"Host=127.0.0.1;Port={port};Database={PostgresCluster.Database};Username=postgres;"
            + $"Password={cluster.Password}";
    }

    private async Task StartRedisAsync(CancellationToken cancellationToken)
    {
        var server = LocalRedis.Prepare(_folder, wantedPort: 0);
        await StartAsync(
            "Redis",
            [server.Program, server.Configuration],
            server.Libraries,
            "TERM",
            new RedisHealthCheck(server.Port, server.Password),
            cancellationToken
        );
        Redis = $"127.0.0.1:{server.Port},password={server.Password}";
    }

    private async Task StartAsync(
        string name,
        string[] command,
        string? libraries,
        string signal,
        IHealthCheck check,
        CancellationToken cancellationToken
    )
    {
        var server = ChildProcess.Start(
            name,
            command,
            libraries is null ? null : new Dictionary<string, string> { ["LD_LIBRARY_PATH"] = libraries },
            signal,
            _folder.Data
        );
        _servers.Add(server);
        await server.WaitUntilAsync(
            async () =>
                (await check.CheckHealthAsync(new HealthCheckContext(), cancellationToken)).Status
                == HealthStatus.Healthy,
            cancellationToken
        );
    }
}
