using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalServices.Postgres;
using LocalServices.Redis;
using LocalServices.Supervision;
using Microsoft.Extensions.DependencyInjection;

namespace LocalServices;

/// <summary>Redis and Postgres as processes on loopback, with generated
/// passwords that keep other users of the machine out.</summary>
internal sealed class NativeStores(
    IDistributedApplicationBuilder builder,
    LocalFolder folder,
    LocalServicesOptions options
)
{
    public string PostgresRemedy
    {
        get
        {
            var data = Path.Combine(folder.Data, "postgres");
            return $"If the password is refused, {Path.Combine(data, "password")} is not the one that the data was "
                + $"created with: restore that file, or start empty: mv {data} {data}-old.";
        }
    }

    public IResourceBuilder<IResourceWithConnectionString> AddEventStore()
    {
        var cluster = PostgresCluster.Open(folder);
        var port = LoopbackPort.Take(options.PostgresPort, "Postgres", "PostgresPort");
        string[] server = [.. cluster.As, cluster.Programs.Server, "-D", cluster.Data, "-p", $"{port}"];
        string[] settings =
        [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=300",
            "shared_buffers=128MB",
            // The zone that Postgres knows without zone files, which small images lack.
            "timezone=GMT",
            // Durable by Postgres's own defaults, except for a temporary stack, which need not wait for the disk.
            .. options.Ephemeral ? (string[])["fsync=off", "full_page_writes=off"] : [],
        ];

        var postgres = builder
            .AddExecutable(
                "postgres",
                "sh",
                builder.AppHostDirectory,
                [
                    Path.Combine(AppContext.BaseDirectory, "LocalServices", "postgres.sh"),
                    .. cluster.As.Length > 0 ? [] : (string[])["--"],
                    .. server,
                    .. settings.SelectMany(setting => (string[])["-c", setting]),
                ]
            )
            .WithRestart()
            .WithRemedy(EmptyStart("postgres"))
            .WithEndpoint(port: port, scheme: "tcp", name: "tcp", isProxied: false)
            .WithHealthCheck(HealthCheck("postgres", new PostgresHealthCheck(port)));
        WithLibraries(postgres, cluster.Programs.Libraries);
        postgres.WithShell(
            cluster.Programs.Shell,
            ["-h", "127.0.0.1", "-p", $"{port}", "-U", "postgres", PostgresCluster.Database],
            ShellEnvironment(cluster.Programs.Libraries, "PGPASSWORD", cluster.Password)
        );

        // The parameters have other names than the containers', because the user secrets may hold a container's
        // password.
        var password = builder.AddParameter("local-postgres-password", cluster.Password, secret: true);
        var address = postgres.GetEndpoint("tcp");
        return builder
            .AddConnectionString(
                PostgresCluster.Database,
                ReferenceExpression.Create(
                    $"Host=127.0.0.1;Port={address.Property(EndpointProperty.Port)};"
                        + $"Username=postgres;Password={password};Database={PostgresCluster.Database}"
                )
            )
            .WaitFor(postgres);
    }

    public IResourceBuilder<IResourceWithConnectionString> AddRedis()
    {
        var server = LocalRedis.Prepare(folder, options.RedisPort);
        // `redis` is the name of the connection string that services use.
        var redis = builder
            .AddExecutable("redis-server", server.Program, builder.AppHostDirectory, server.Configuration)
            .WithRestart()
            .WithRemedy(EmptyStart("redis"))
            .WithEndpoint(port: server.Port, scheme: "tcp", name: "tcp", isProxied: false)
            .WithHealthCheck(HealthCheck("redis-server", new RedisHealthCheck(server.Port, server.Password)));
        WithLibraries(redis, server.Libraries);
        redis.WithShell(
            server.Shell,
            ["-h", "127.0.0.1", "-p", $"{server.Port}"],
            ShellEnvironment(server.Libraries, "REDISCLI_AUTH", server.Password)
        );

        var password = builder.AddParameter("local-redis-password", server.Password, secret: true);
        var address = redis.GetEndpoint("tcp");
        return builder
            .AddConnectionString(
                "redis",
                ReferenceExpression.Create($"127.0.0.1:{address.Property(EndpointProperty.Port)},password={password}")
            )
            .WaitFor(redis);
    }

    private string EmptyStart(string store)
    {
        var data = Path.Combine(folder.Data, store);
        return $"If its files are damaged, start empty: mv {data} {data}-broken.";
    }

    private string HealthCheck(string name, Microsoft.Extensions.Diagnostics.HealthChecks.IHealthCheck check)
    {
        builder.Services.AddHealthChecks().AddCheck($"{name}_check", check);
        return $"{name}_check";
    }

    private static Dictionary<string, string> ShellEnvironment(string? libraries, string variable, string password)
    {
        var environment = new Dictionary<string, string> { [variable] = password };
        if (libraries is not null)
            environment["LD_LIBRARY_PATH"] = libraries;
        return environment;
    }

    private static void WithLibraries(IResourceBuilder<ExecutableResource> server, string? libraries)
    {
        if (libraries is not null)
            server.WithEnvironment("LD_LIBRARY_PATH", libraries);
    }
}
