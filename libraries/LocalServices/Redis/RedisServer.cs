namespace LocalServices.Redis;

/// <summary>
/// A Redis that keeps nothing on disk: it is an accelerator, and what it loses is in Postgres. Its configuration is a
/// file, so that its
/// password stands in no process list.
/// </summary>
internal sealed record RedisServer(string Program, string? Libraries, string Configuration, string Password)
{
    public static RedisServer Prepare(LocalFolder local, int port)
    {
        var (program, libraries) = Find(local.Tools);
        var folder = Directory.CreateDirectory(Path.Combine(local.Data, "redis")).FullName;
        var (configuration, password) = (Path.Combine(folder, "redis.conf"), Secret.Create());
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
        return new RedisServer(program, libraries, configuration, password);
    }

    /// <exception cref="LocalServicesException">There is none, and it could not be fetched.</exception>
    public static LocalProgram Find(string tools) =>
        LocalProgram.Find(
            tools,
            "Redis",
            ["redis-server", "valkey-server"],
            "--version",
            ["redis-server", "redis-tools"],
            "usr/bin/redis-server",
            "Start a container runtime (Docker, Podman), or install Redis (Debian, Ubuntu: sudo apt-get install -y redis-server), or give your own with --ConnectionStrings:redis=…"
        );
}
