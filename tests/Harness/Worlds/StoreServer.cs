using LocalServices;
using LocalServices.Postgres;
using LocalServices.Redis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Harness.Worlds;

/// <summary>A store as a process of its own on a free port of loopback, found or fetched as in the AppHost.</summary>
/// <param name="Process">The server.</param>
/// <param name="Port">Its port.</param>
/// <param name="At">Returns the connection string of clients that reach it at another port.</param>
internal sealed record StoreServer(SystemProcess Process, int Port, Func<int, string> At) : IAsyncDisposable
{
    public string ConnectionString => At(Port);

    /// <summary>Returns the folders of the AppHost's stores; with data of this run alone, unless told
    /// otherwise.</summary>
    public static LocalFolder Folder(bool isEphemeral = true) =>
        LocalFolder.For(
            Path.Combine(Repository.Root, "AppHost"),
            new LocalServicesOptions(LocalServicesMode.Native, isEphemeral, 0, 0),
            new ServiceCollection()
        );

    /// <param name="folder">The folder of its data.</param>
    /// <param name="settings">Settings beside those that all share.</param>
    /// <param name="variables">Variables of its environment.</param>
    public static StoreServer Postgres(
        LocalFolder folder,
        IEnumerable<string> settings,
        IReadOnlyDictionary<string, string>? variables = null
    )
    {
        var cluster = PostgresCluster.Open(folder);
        var port = LoopbackPort.Take(0, "Postgres", "PostgresPort");
        string[] all =
        [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            "shared_buffers=128MB",
            "timezone=UTC",
            .. settings,
        ];

        var server = new SystemProcess(
            "Postgres",
            [
                .. cluster.As,
                cluster.Programs.Server,
                "-D",
                cluster.Data,
                "-p",
                $"{port}",
                .. all.SelectMany(setting => (string[])["-c", setting]),
            ],
            Answers(new PostgresHealthCheck(port)),
            With(cluster.Programs.Libraries, variables),
            "INT",
            folder.Data
        );

        return new(
            server,
            port,
            at =>
                $"Host=127.0.0.1;Port={at};Database={PostgresCluster.Database};Username=postgres;"
                + $"Password={cluster.Password}"
        );
    }

    public static StoreServer Redis(LocalFolder folder)
    {
        var redis = LocalRedis.Prepare(folder, wantedPort: 0);
        var server = new SystemProcess(
            "Redis",
            [redis.Program, redis.Configuration],
            Answers(new RedisHealthCheck(redis.Port, redis.Password)),
            With(redis.Libraries),
            folder: folder.Data
        );

        return new(server, redis.Port, at => $"127.0.0.1:{at},password={redis.Password}");
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    private static Dictionary<string, string> With(
        string? libraries,
        IReadOnlyDictionary<string, string>? variables = null
    )
    {
        var environment = new Dictionary<string, string>(variables ?? new Dictionary<string, string>());
        if (libraries is not null)
            environment["LD_LIBRARY_PATH"] = libraries;
        return environment;
    }

    private static Func<CancellationToken, Task<bool>> Answers(IHealthCheck check) =>
        async token => (await check.CheckHealthAsync(new HealthCheckContext(), token)).Status == HealthStatus.Healthy;
}
