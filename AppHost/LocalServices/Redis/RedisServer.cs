namespace AppHost.LocalServices.Redis;

/// <summary>
/// A Redis that keeps nothing on disk: it is an accelerator, and what it loses is in Postgres. Its configuration is a file, so that its
/// password stands in no process list.
/// </summary>
internal sealed record RedisServer(string Program, string? Libraries, string Configuration, string Password)
{
    private static readonly string[] Names = ["redis-server", "valkey-server"];

    public static RedisServer Prepare(LocalFolder local, int port)
    {
        var (program, libraries) = Find(local.Tools);
        var folder = Directory.CreateDirectory(Path.Combine(local.Data, "redis")).FullName;
        var (configuration, password) = (Path.Combine(folder, "redis.conf"), Secret.Create());
        Secret.Write(configuration, $"""
            bind 127.0.0.1
            port {port}
            requirepass {password}
            save ""
            appendonly no
            dir "{folder}"

            """);
        return new RedisServer(program, libraries, configuration, password);
    }

    private static (string Program, string? Libraries) Find(string tools)
    {
        if (Installed(tools) is { } found)
        {
            return found;
        }

        using var installing = FolderLock.Take(tools, "Redis");
        if (Installed(tools) is null)
        {
            DebianPackages.Unpack("Redis", ["redis-server", "redis-tools"], Path.Combine(tools, "redis"),
                "install Redis (Debian, Ubuntu: sudo apt-get install -y redis-server)", "redis");
        }

        return Installed(tools) ?? throw new LocalServicesException("Redis was unpacked but does not run. Install it: sudo apt-get install -y redis-server");
    }

    private static (string Program, string? Libraries)? Installed(string tools)
    {
        var libraries = DebianPackages.Libraries(Path.Combine(tools, "redis"));
        foreach (var (program, needs) in ((string, string?)[])[.. Names.Select(name => (name, (string?)null)), (Path.Combine(tools, "redis", "usr", "bin", Names[0]), libraries)])
        {
            if (Command.Run(program, ["--version"], libraries: needs) is { ExitCode: 0 })
            {
                return (program, needs);
            }
        }

        return null;
    }
}
