namespace LocalServices.Redis;

/// <summary>A Redis without persistence, because all of its data is also in Postgres.
/// Its configuration is a file, so that no process list shows its password.</summary>
internal sealed record LocalRedis(string Program, string? Libraries, string Configuration, string Password, int Port)
{
    /// <summary><c>redis-cli</c> or <c>valkey-cli</c>, which every package of the server has.</summary>
    public string Shell => Program.Replace("-server", "-cli", StringComparison.Ordinal);

    /// <param name="local">The folders of the stack.</param>
    /// <param name="wantedPort">The port on loopback, or 0 for any free port, as for an ephemeral stack.</param>
    /// <exception cref="LocalServicesException">The port is in use, or Redis cannot be found.</exception>
    public static LocalRedis Prepare(LocalFolder local, int wantedPort)
    {
        var port = LoopbackPort.Take(wantedPort, "Redis", "RedisPort");
        var (program, libraries) = Find(local.Tools);
        var folder = Directory.CreateDirectory(Path.Combine(local.Data, "redis")).FullName;

        var configuration = Path.Combine(folder, "redis.conf");
        var password = Secret.Create();
        Secret.Write(
            configuration,
            $"""
            bind 127.0.0.1
            port {port}
            requirepass {password}
            save ""
            appendonly no
            dir "{folder}"

            """
        );

        return new LocalRedis(program, libraries, configuration, password, port);
    }

    /// <exception cref="LocalServicesException">Redis is not installed and could not be downloaded.</exception>
    public static LocalProgram Find(string tools) =>
        LocalProgram.Find(
            tools,
            "Redis",
            ["redis-server", "valkey-server"],
            "--version",
            ["redis-server", "redis-tools"],
            "usr/bin/redis-server",
            "Start a container runtime (Docker, Podman), install Redis (Debian, Ubuntu: sudo apt-get install -y "
                + "redis-server), or use your own with --ConnectionStrings:redis=…"
        );
}
