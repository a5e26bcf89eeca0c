using System.Data;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStore;

/// <summary>Brings the schema <c>eventstore</c> up to date: its tables by migrations, its functions by their current
/// texts. Several processes may run it at once: the first one migrates, the others wait for it.</summary>
internal sealed class StoreMigrator(NpgsqlDataSource store, TimeProvider clock, ILogger<StoreMigrator> logger)
{
    /// <summary>Time between attempts to lock a table that a long transaction uses.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    /// <summary>Applies the missing migrations, each in its own transaction, then all functions in one.</summary>
    /// <exception cref="NpgsqlException">Postgres does not answer, or refuses a script: an unsupported old store, or
    /// missing rights. Scripts that were committed before stay.</exception>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var connection = await store.OpenConnectionAsync(cancellationToken);
        try
        {
            await LockAsync(connection, cancellationToken);
            await RetryAsync(() => connection.RunAsync(SchemaScript.Prepare.Sql, cancellationToken), cancellationToken);
            foreach (var script in SchemaScript.Tables)
                await RetryAsync(() => ApplyAsync(connection, script, cancellationToken), cancellationToken);
            await RetryAsync(() => ApplyFunctionsAsync(connection, cancellationToken), cancellationToken);
        }
        finally
        {
            // The pool does not reset connections.
            if (connection.State == ConnectionState.Open)
                await connection.RunAsync(
                    "select pg_advisory_unlock_all(); reset statement_timeout; reset lock_timeout",
                    CancellationToken.None
                );
        }
    }

    private static async Task LockAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // Before the lock: a migrator may wait for another one for longer than a statement may take.
        await connection.RunAsync("set statement_timeout = 0", cancellationToken);
        await connection.RunAsync("select pg_advisory_lock(7303014, 0)", cancellationToken);
        // All publishes would queue behind a lock that waits for a backup.
        await connection.RunAsync("set lock_timeout = '300ms'", cancellationToken);
    }

    private async Task RetryAsync(Func<Task> apply, CancellationToken cancellationToken)
    {
        for (var logged = false; ; logged = true)
        {
            try
            {
                await apply();
                return;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                if (!logged)
                    logger.LogWarning(
                        "A transaction, perhaps a backup, uses a table that a migration changes: the migration "
                            + "waits until it ends, publishes do not"
                    );
                await Task.Delay(Pause, clock, cancellationToken);
            }
        }
    }

    private async Task ApplyAsync(NpgsqlConnection connection, SchemaScript script, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var isNew = await connection.RunAsync(
            "insert into eventstore.migrations (name) values ($1) on conflict do nothing",
            cancellationToken,
            script.Name
        );
        if (isNew == 0)
            return;

        await connection.RunAsync(script.Sql, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        logger.LogInformation("Applied migration {Migration}", script.Name);
    }

    /// <summary>Replaces the functions, all or none, unless this version's were applied last. Records the set, so that
    /// a service can start whose functions newer ones replaced, but not one whose functions never came.</summary>
    private async Task ApplyFunctionsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // After an undone upgrade the next one has to migrate again.
        var newer = await connection.RunAsync(
            """
            delete from eventstore.migrations where name like 'functions %'
                and applied_at > (select applied_at from eventstore.migrations where name = $1)
            """,
            cancellationToken,
            SchemaScript.FunctionSet
        );

        var isNew = await connection.RunAsync(
            "insert into eventstore.migrations (name) values ($1) on conflict do nothing",
            cancellationToken,
            SchemaScript.FunctionSet
        );
        if (newer + isNew == 0)
            return;

        // Unchecked first, because a body may call a later function; then again with checks.
        foreach (var check in (string[])["off", "on"])
        {
            await connection.RunAsync($"set local check_function_bodies = {check}", cancellationToken);
            foreach (var script in SchemaScript.Functions)
                await connection.RunAsync(script.Sql, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        logger.LogInformation("Applied the functions of this version");
    }

    /// <summary>Returns this version's migrations that the database never had: none if its schema is newer.</summary>
    /// <exception cref="NpgsqlException">Postgres does not answer, or refuses the user.</exception>
    public async Task<IReadOnlyList<string>> MissingAsync(CancellationToken cancellationToken)
    {
        string[] names = [.. SchemaScript.Tables.Select(s => s.Name), SchemaScript.FunctionSet];
        await using var command = store.CreateCommand("select name from eventstore.migrations where name = any($1)");
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = names });

        try
        {
            var applied = new HashSet<string>(StringComparer.Ordinal);
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            while (await row.ReadAsync(cancellationToken))
                applied.Add(row.GetString(0));
            return [.. names.Where(name => !applied.Contains(name))];
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            return names;
        }
    }
}
