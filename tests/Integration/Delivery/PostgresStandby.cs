using System.Diagnostics;
using System.Globalization;
using Harness;
using LocalServices;
using Npgsql;

namespace Integration.Delivery;

/// <summary>A Postgres of its own: an empty one, or a copy of a running one, made as a base backup is, that starts as a
/// standby and is promoted.</summary>
internal sealed class PostgresStandby : IAsyncDisposable
{
    private const string Migrated = "migrated";

    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Process _server;
    private readonly string _folder;
    private readonly NpgsqlConnectionStringBuilder _address;
    private Task? _migrated;

    private PostgresStandby(Process server, string folder, NpgsqlConnectionStringBuilder address)
    {
        _server = server;
        _folder = folder;
        _address = address;
    }

    public string ConnectionString => _address.ConnectionString;
    public int Port => _address.Port;

    /// <summary>Starts an empty cluster with the programs of another server, so that copies of it take a moment. Null
    /// where that server is no process that this one may look at: in a container, on another system.</summary>
    public static async Task<PostgresStandby?> CreateAsync(string model, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(model);
        await connection.OpenAsync(cancellationToken);
        if (await ProgramAsync(connection, cancellationToken) is not { } program)
            return null;
        var (folder, data) = Folder();
        if (program.User is { } owner)
            await RunAsync("chown", [owner, folder], cancellationToken);
        var initdb = Path.Combine(Path.GetDirectoryName(program.Path)!, "initdb");
        var user = new NpgsqlConnectionStringBuilder(model).Username!;

        string[] create =
        [
            .. program.Identity,
            initdb,
            .. (string[])["-D", data, "-U", user, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        ];

        await RunAsync(create[0], create[1..], cancellationToken, program.Libraries);
        var server = Start(program, model, folder, data, []);
        server._address.Database = "postgres";

        await Eventually.HoldsAsync(
            async () =>
            {
                await using var there = new NpgsqlConnection(server.ConnectionString);
                await there.OpenAsync(cancellationToken);
                return true;
            },
            "the new server answers"
        );

        return server;
    }

    /// <summary>Creates a database that a deployment has migrated: a copy of the first one.</summary>
    public async Task<NpgsqlConnectionStringBuilder> CreateDatabaseAsync(string name)
    {
        Task migrated;
        lock (_gate)
            migrated = _migrated ??= MigrateAsync();
        await migrated;
        await CreateAsync(name, Migrated);
        var database = At(name);
        await using var copy = new NpgsqlConnection(database.ConnectionString);
        await copy.OpenAsync();
        // A database of its own, and not one that continues the history of another.
        await using var begin = new NpgsqlCommand("select eventstore.new_epoch()", copy);
        await begin.ExecuteNonQueryAsync();
        return database;
    }

    private async Task MigrateAsync()
    {
        await CreateAsync(Migrated, "template1");
        await Stores.MigrateAsync(At(Migrated));
    }

    private async Task CreateAsync(string name, string template)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var create = new NpgsqlCommand($"create database {name} template {template}", connection);
        await create.ExecuteNonQueryAsync();
    }

    /// <summary>Returns the address of a database of this server.</summary>
    public NpgsqlConnectionStringBuilder At(string database) => new(ConnectionString) { Database = database };

    /// <summary>Null where the server is no process that this one may look at: in a container, on another
    /// system.</summary>
    public static async Task<PostgresStandby?> PromoteCopyAsync(string primary, CancellationToken cancellationToken)
    {
        var standby = await CopyAsync(primary, cancellationToken);
        if (standby is not null)
            await standby.PromoteAsync(cancellationToken);
        return standby;
    }

    /// <inheritdoc cref="PromoteCopyAsync"/>
    /// <summary>Starts a standby that gets no more WAL.</summary>
    public static async Task<PostgresStandby?> CopyAsync(string primary, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(primary);
        await connection.OpenAsync(cancellationToken);
        if (await ProgramAsync(connection, cancellationToken) is not { } program)
            return null;

        var (folder, data) = Folder();
        var source = await ScalarAsync<string>(connection, "show data_directory", cancellationToken);
        // a standby may not allow fewer
        var connections = await ScalarAsync<string>(connection, "show max_connections", cancellationToken);
        await ScalarAsync<object>(connection, "select pg_backup_start('standby', true)::text", cancellationToken);
        await RunAsync("cp", ["-a", source, data], cancellationToken);
        var label = await ScalarAsync<string>(
            connection,
            "select labelfile from pg_backup_stop(false)",
            cancellationToken
        );
        await RunAsync(
            "cp",
            ["-a", Path.Combine(source, "pg_wal") + "/.", Path.Combine(data, "pg_wal")],
            cancellationToken
        );
        File.Delete(Path.Combine(data, "postmaster.pid"));
        await File.WriteAllTextAsync(Path.Combine(data, "backup_label"), label, cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(data, "standby.signal"), "", cancellationToken);
        if (program.User is { } owner)
            await RunAsync("chown", ["-R", owner, data], cancellationToken);
        var standby = Start(program, primary, folder, data, ["-c", $"max_connections={connections}"]);
        await Eventually.HoldsAsync(
            async () => await standby.AskAsync<bool>("select pg_is_in_recovery()", cancellationToken),
            "the standby answers"
        );
        return standby;
    }

    public async Task PromoteAsync(CancellationToken cancellationToken)
    {
        await AskAsync<bool>("select pg_promote()", cancellationToken);
        await Eventually.HoldsAsync(
            async () => !await AskAsync<bool>("select pg_is_in_recovery()", cancellationToken),
            "the standby is promoted"
        );
    }

    /// <summary>Runs a statement on this server and returns its value.</summary>
    public async Task<T> AskAsync<T>(string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync(cancellationToken);
        return await ScalarAsync<T>(connection, sql, cancellationToken);
    }

    /// <summary>Sets the standbys that a commit waits for, and returns when commits do.</summary>
    public async Task SetStandbysAsync(string names, CancellationToken cancellationToken)
    {
        await AskAsync<object?>($"alter system set synchronous_standby_names = '{names}'", cancellationToken);
        await AskAsync<bool>("select pg_reload_conf()", cancellationToken);
        await Eventually.HoldsAsync(
            async () => await AskAsync<string>("show synchronous_standby_names", cancellationToken) == names,
            "the setting is read"
        );
        if (names.Length > 0)
            await Eventually.HoldsAsync(() => CommitsWaitAsync(cancellationToken), "commits wait for the standby");
    }

    /// <summary>Commits, and ends a wait for a standby. The checkpointer makes commits wait, some time after another
    /// process has read the setting.</summary>
    private async Task<bool> CommitsWaitAsync(CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync(cancellationToken);
        var waits = $"from pg_stat_activity where pid = {connection.ProcessID} and wait_event = 'SyncRep'";
        await using var write = new NpgsqlCommand("select pg_logical_emit_message(true, 'a commit', '')", connection);
        var commit = write.ExecuteNonQueryAsync(cancellationToken);
        while (!commit.IsCompleted)
            if (await AskAsync<long>($"select count(pg_cancel_backend(pid)) {waits}", cancellationToken) == 1)
            {
                await commit;
                return true;
            }
        await commit;
        return false;
    }

    private static (string Folder, string Data) Folder()
    {
        var folder = Directory.CreateTempSubdirectory("standby-").FullName;
        if (OperatingSystem.IsLinux())
            File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        return (folder, Path.Combine(folder, "data"));
    }

    /// <summary>The program of the server behind a connection, and how this process runs it.</summary>
    private sealed record PostgresProgram(string Path, string? User, string[] Identity, string? Libraries);

    private static async Task<PostgresProgram?> ProgramAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    )
    {
        var backend = await ScalarAsync<int>(connection, "select pg_backend_pid()", cancellationToken);
        if (
            !OperatingSystem.IsLinux()
            || Status(backend, "PPid") is not { } postmaster
            || Owned($"/proc/{postmaster}/exe") is not { } program
        )
            return null;
        var user = Status(postmaster, "Uid")!.Value.ToString(CultureInfo.InvariantCulture);
        var changes = Environment.UserName == "root" && user != "0";
        return new(
            program,
            changes ? user : null,
            changes ? ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] : [],
            Variable(postmaster, "LD_LIBRARY_PATH")
        );
    }

    private static PostgresStandby Start(
        PostgresProgram program,
        string model,
        string folder,
        string data,
        string[] settings
    )
    {
        var port = FreePort.Take();

        string[] command =
        [
            .. program.Identity,
            program.Path,
            .. (string[])["-D", data, "-p", $"{port}", "-c", "listen_addresses=127.0.0.1"],
            .. (string[])["-c", "unix_socket_directories=", "-c", "fsync=off"],
            .. settings,
        ];

        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };

        if (program.Libraries is { } libraries)
            start.Environment["LD_LIBRARY_PATH"] = libraries;
        var server = Process.Start(start)!;
        server.BeginErrorReadLine();
        server.BeginOutputReadLine();

        return new PostgresStandby(
            server,
            folder,
            new(model)
            {
                Host = "127.0.0.1",
                Port = port,
                Pooling = false,
            }
        );
    }

    public async ValueTask DisposeAsync()
    {
        // An immediate shutdown: a server that is killed leaves its shared memory on the machine.
        Signals.Send(_server.Id, Signals.Quit);
        using (var limit = new CancellationTokenSource(EndLimit))
            await _server.WaitForExitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _server.Kill(entireProcessTree: true);
        await _server.WaitForExitAsync(CancellationToken.None);
        _server.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<T> ScalarAsync<T>(
        NpgsqlConnection connection,
        string sql,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task RunAsync(
        string program,
        string[] arguments,
        CancellationToken cancellationToken,
        string? libraries = null
    )
    {
        var result = await Task.Run(() => Command.Run(program, arguments, libraries: libraries), cancellationToken);
        Assert.True(result is not null, $"There is no {program} here.");
        // A file that went away meanwhile is what a base backup allows.
        Assert.True(
            result.ExitCode == 0
                || result
                    .Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    .All(line => line.Contains("No such file", StringComparison.Ordinal)),
            result.Output
        );
    }

    private static int? Status(int process, string field)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/status")
                .FirstOrDefault(l => l.StartsWith(field + ":", StringComparison.Ordinal));
            return line is null ? null : int.Parse(line.Split('\t')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string? Owned(string link)
    {
        try
        {
            return File.ResolveLinkTarget(link, returnFinalTarget: true)?.FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? Variable(int process, string name) =>
        File.ReadAllText($"/proc/{process}/environ")
            .Split('\0')
            .FirstOrDefault(v => v.StartsWith(name + "=", StringComparison.Ordinal))
            ?[(name.Length + 1)..];
}
