using System.Globalization;
using Harness;
using LocalServices;
using Npgsql;

namespace Integration.Delivery;

/// <summary>The form of a pooler, named as its own settings name it.</summary>
public enum PoolerMode
{
    /// <summary>PgBouncer that keeps a server's connection for a client, and drops the settings that it begins
    /// with.</summary>
    Session,

    /// <summary>The same for each transaction alone.</summary>
    Transaction,

    /// <summary>PgBouncer without a setting, which refuses a session with settings.</summary>
    Default,

    /// <summary>pgpool-II over one server.</summary>
    Raw,

    /// <summary>pgpool-II over a primary and its standbys, of which there are none.</summary>
    StreamingReplication,
}

/// <summary>Debian's PgBouncer or pgpool-II in front of a Postgres that trusts loopback.</summary>
internal sealed class Pooler : IAsyncDisposable
{
    private readonly SystemProcess _process;
    private readonly string _folder;
    private readonly int _port;

    private Pooler(SystemProcess process, string folder, int port)
    {
        _process = process;
        _folder = folder;
        _port = port;
    }

    /// <summary>Starts a pooler; skips the test if it is not installed and cannot be downloaded.</summary>
    public static async Task<Pooler> StartAsync(PoolerMode mode, PostgresStandby server)
    {
        var isPgpool = mode is PoolerMode.Raw or PoolerMode.StreamingReplication;
        var port = FreePort.Take();
        var local = StoreServer.Folder();
        var program = Find(isPgpool ? ("pgpool2", "pgpool") : ("pgbouncer", "pgbouncer"), local.Tools);
        var file = Path.Combine(local.Data, "pooler.conf");

        await File.WriteAllTextAsync(
            file,
            isPgpool ? Pgpool(mode, port, server.Port, local.Data) : PgBouncer(mode, port, server)
        );
        foreach (var path in (string[])[local.Data, file])
            LocalFolder.Give(path, local.As);

        string[] arguments = isPgpool ? ["-n", "-f", file, "-F", "none", "-a", "none"] : [file];
        var process = new SystemProcess(
            program.File,
            [.. local.As, program.File, .. arguments],
            stop => AnswersAsync(port, stop),
            program.Libraries is { } libraries
                ? new Dictionary<string, string> { ["LD_LIBRARY_PATH"] = libraries }
                : null,
            "INT",
            local.Data
        );

        var pooler = new Pooler(process, local.Data, port);
        try
        {
            await process.StartAsync(TestContext.Current.CancellationToken);
            return pooler;
        }
        catch
        {
            await pooler.DisposeAsync();
            throw;
        }
    }

    /// <summary>Returns the address of a database through the pooler.</summary>
    public NpgsqlConnectionStringBuilder Before(NpgsqlConnectionStringBuilder database) =>
        new(database.ConnectionString) { Host = "127.0.0.1", Port = _port };

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static string PgBouncer(PoolerMode mode, int port, PostgresStandby server) =>
        $"""
            [databases]
            * = host=127.0.0.1 port={server.Port} user={server.At("postgres").Username}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = any
            pool_mode = {(mode == PoolerMode.Transaction ? "transaction" : "session")}
            {(mode == PoolerMode.Default ? "" : "ignore_startup_parameters = options,search_path")}

            """;

    private static string Pgpool(PoolerMode mode, int port, int server, string folder) =>
        $"""
            backend_clustering_mode = '{(mode == PoolerMode.Raw ? "raw" : "streaming_replication")}'
            listen_addresses = '127.0.0.1'
            port = {port}
            socket_dir = '{folder}'
            pcp_port = {FreePort.Take().ToString(CultureInfo.InvariantCulture)}
            pcp_socket_dir = '{folder}'
            wd_ipc_socket_dir = '{folder}'
            pid_file_name = '{folder}/pgpool.pid'
            logdir = '{folder}'
            backend_hostname0 = '127.0.0.1'
            backend_port0 = {server}
            num_init_children = 80
            max_pool = 1
            sr_check_period = 0

            """;

    private static async Task<bool> AnswersAsync(int port, CancellationToken stop)
    {
        try
        {
            await using var connection = new NpgsqlConnection(
                $"Host=127.0.0.1;Port={port};Username=postgres;Database=postgres;Pooling=false"
            );
            await connection.OpenAsync(stop);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private static LocalProgram Find((string Package, string Program) of, string tools)
    {
        try
        {
            return LocalProgram.Find(
                tools,
                of.Program,
                [of.Program, $"/usr/sbin/{of.Program}"],
                "--version",
                [of.Package],
                $"usr/sbin/{of.Program}",
                $"Install it (Debian, Ubuntu: sudo apt-get install -y {of.Package})."
            );
        }
        catch (LocalServicesException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }
}
