using System.Text.RegularExpressions;
using LocalServices;
using LocalServices.Postgres;
using Npgsql;

namespace Integration.Delivery;

/// <summary>A Postgres of its own: an empty one, or a copy of another, made as a base backup is, that starts as a
/// standby and is promoted.</summary>
internal sealed partial class PostgresStandby : IAsyncDisposable
{
    private const string Migrated = "migrated";

    // Nothing of a test must survive the machine. A copy needs the WAL that is written while it is made: other tests
    // create databases meanwhile, of some 10 MB of WAL each.
    private static readonly string[] Settings =
    [
        "fsync=off",
        "max_wal_size=64MB",
        "min_wal_size=32MB",
        "wal_keep_size=192MB",
    ];

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private readonly LocalFolder _folder;
    private readonly StoreServer _server;
    private Task? _migrated;

    private PostgresStandby(LocalFolder folder)
    {
        _folder = folder;
        _server = StoreServer.Postgres(folder, Settings);
        // A password would cost each connection milliseconds, and pg_dump its own way to it.
        File.WriteAllText(Path.Combine(DataOf(folder), "pg_hba.conf"), "host all all 127.0.0.1/32 trust");
    }

    public int Port => _server.Port;

    /// <summary>Starts an empty server, so that copies of it take a moment.</summary>
    public static async Task<PostgresStandby> CreateAsync(CancellationToken cancellationToken)
    {
        var server = new PostgresStandby(StoreServer.Folder());
        await server._server.Process.StartAsync(cancellationToken);
        // Each copy would have them too.
        await server.AskAsync<object>("update pg_database set datistemplate = false where datname = 'template0'");

        foreach (var unused in (string[])["template0", PostgresCluster.Database])
            await server.AskAsync<object>($"drop database {unused}");

        return server;
    }

    /// <summary>Creates a database that a deployment has migrated: a copy of the first one.</summary>
    public async Task<NpgsqlConnectionStringBuilder> CreateDatabaseAsync(string name)
    {
        Task migrated;
        lock (_gate)
            migrated = _migrated ??= MigrateAsync();

        await migrated;

        await AskAsync<object>($"create database {name} template {Migrated}");
        // A database of its own, and not one that continues the history of another.
        await AskAsync<object>("select eventstore.new_epoch()", name);
        // The system under test has its pools, as everywhere: a session for each statement took longer than a head may.
        return new(At(name).ConnectionString) { Pooling = true };
    }

    /// <summary>Returns the address of a database of this server.</summary>
    public NpgsqlConnectionStringBuilder At(string database) =>
        new(_server.ConnectionString) { Database = database, Pooling = false };

    /// <summary>Starts a standby that gets no more WAL.</summary>
    public async Task<PostgresStandby> CopyAsync()
    {
        var folder = StoreServer.Folder();
        var (source, data) = (DataOf(_folder), DataOf(folder));

        await using (var connection = new NpgsqlConnection(At("postgres").ConnectionString))
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await ScalarAsync<object>(connection, "select pg_backup_start('standby', true)::text");
            LocalFolder.CreatePrivate(Path.GetDirectoryName(data)!, folder.As);
            LocalFolder.CreatePrivate(data, folder.As);
            LocalFolder.CreatePrivate(Path.Combine(data, "pg_wal"), folder.As);
            await CopyAsync([Path.Combine(source, "../password")], Path.GetDirectoryName(data)!);
            await CopyAsync(
                Directory.GetFileSystemEntries(source).Where(entry => Path.GetFileName(entry) != "pg_wal"),
                data
            );

            var label = await ScalarAsync<string>(connection, "select labelfile from pg_backup_stop(false)");
            var last = await ScalarAsync<string>(connection, "select pg_walfile_name(pg_current_wal_lsn())");
            await CopyAsync(
                WalBetween(source, FirstWal().Match(label!).Groups[1].Value, last!),
                Path.Combine(data, "pg_wal")
            );
            await WriteAsync(folder, "backup_label", label);
        }

        await WriteAsync(folder, "standby.signal", "");
        File.Delete(Path.Combine(data, "postmaster.pid"));

        var standby = new PostgresStandby(folder);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(StartLimit); // it would wait for ever for WAL that the copy lacks
        await standby._server.Process.StartAsync(limit.Token);
        Assert.True(await standby.AskAsync<bool>("select pg_is_in_recovery()"));

        return standby;
    }

    public async Task PromoteAsync()
    {
        await AskAsync<bool>("select pg_promote()");
        await Eventually.HoldsAsync(
            async () => !await AskAsync<bool>("select pg_is_in_recovery()"),
            "the standby is promoted"
        );
    }

    /// <summary>Runs a statement on this server and returns its value.</summary>
    public async Task<T?> AskAsync<T>(string sql, string database = "postgres")
    {
        await using var connection = new NpgsqlConnection(At(database).ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        return await ScalarAsync<T>(connection, sql);
    }

    /// <summary>Sets the standbys that a commit waits for, and returns when commits do.</summary>
    public async Task SetStandbysAsync(string names)
    {
        await AskAsync<object>($"alter system set synchronous_standby_names = '{names}'");
        await AskAsync<bool>("select pg_reload_conf()");
        await Eventually.HoldsAsync(
            async () => await AskAsync<string>("show synchronous_standby_names") == names,
            "the setting is read"
        );

        if (names.Length > 0)
            await Eventually.HoldsAsync(CommitsWaitAsync, "commits wait for the standby");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder.Data, recursive: true);
    }

    private async Task MigrateAsync()
    {
        await AskAsync<object>($"create database {Migrated}");
        await Stores.MigrateAsync(At(Migrated));
    }

    /// <summary>Commits, and ends a wait for a standby. The checkpointer makes commits wait, some time after another
    /// process has read the setting.</summary>
    private async Task<bool> CommitsWaitAsync()
    {
        await using var connection = new NpgsqlConnection(At("postgres").ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        var waits = $"from pg_stat_activity where pid = {connection.ProcessID} and wait_event = 'SyncRep'";
        await using var write = new NpgsqlCommand("select pg_logical_emit_message(true, 'a commit', '')", connection);
        var commit = write.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        var waited = false;
        while (!commit.IsCompleted && !waited)
            waited = await AskAsync<long>($"select count(pg_cancel_backend(pid)) {waits}") == 1;

        await commit;
        return waited;
    }

    private static async Task<T?> ScalarAsync<T>(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        var value = await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
        return value is null or DBNull ? default : (T)value;
    }

    private static async Task WriteAsync(LocalFolder folder, string name, string? text)
    {
        var file = Path.Combine(DataOf(folder), name);
        await File.WriteAllTextAsync(file, text);
        LocalFolder.Give(file, folder.As);
    }

    [GeneratedRegex(@"\(file (\w+)\)")]
    private static partial Regex FirstWal();

    private static string DataOf(LocalFolder folder) => Path.Combine(folder.Data, "postgres", "cluster");

    /// <summary>Returns the WAL of a backup, and the histories of timelines: a server keeps much more.</summary>
    private static IEnumerable<string> WalBetween(string data, string first, string last) =>
        Directory
            .GetFiles(Path.Combine(data, "pg_wal"))
            .Where(file =>
                Path.GetFileName(file) is var name
                && (
                    name.EndsWith(".history", StringComparison.Ordinal)
                    || (string.CompareOrdinal(name, first) >= 0 && string.CompareOrdinal(name, last) <= 0)
                )
            );

    private static async Task CopyAsync(IEnumerable<string> from, string to)
    {
        var copied = await Task.Run(() => Command.Run("cp", ["-a", .. from, to]));
        // A file that went away meanwhile is what a base backup allows.
        Assert.True(
            copied!.ExitCode == 0
                || copied
                    .Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    .All(line => line.Contains("No such file", StringComparison.Ordinal)),
            copied.Output
        );
    }
}
