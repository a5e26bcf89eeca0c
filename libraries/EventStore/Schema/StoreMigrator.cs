using System.Data;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStore;

/// <summary>Brings the schema <c>eventstore</c> up to date: its tables by migrations, its functions by their current
/// texts. A lower version's functions replace a higher version's only if that is asked for. Several processes may run
/// it at once; the first one migrates, and the others wait for it.</summary>
internal sealed class StoreMigrator(
    [FromKeyedServices(StorePool.Work)] NpgsqlDataSource store,
    TimeProvider clock,
    ILogger<StoreMigrator> logger
)
{
    /// <summary>Time between attempts to lock a table that a long transaction uses.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    /// <summary>Brings the schema to this version. It also undoes an upgrade: it replaces a newer version's
    /// functions.</summary>
    /// <exception cref="InvalidOperationException">The role lacks a right, the database is not UTF8, or the log's
    /// tables were emptied.</exception>
    /// <exception cref="NpgsqlException">Postgres does not answer, or refuses a script: an unsupported old store.
    /// Scripts that were committed before stay.</exception>
    public Task MigrateAsync(CancellationToken cancellationToken) => BringUpAsync(undoes: true, cancellationToken);

    /// <summary>Adds what the schema lacks; if it lacks nothing, only checks that the role may use it.</summary>
    /// <exception cref="InvalidOperationException">As <see cref="MigrateAsync"/>.</exception>
    /// <exception cref="NpgsqlException">As <see cref="MigrateAsync"/>.</exception>
    public Task EnsureAsync(CancellationToken cancellationToken) => BringUpAsync(undoes: false, cancellationToken);

    private async Task BringUpAsync(bool undoes, CancellationToken cancellationToken)
    {
        await using var connection = await store.OpenDirectAsync(cancellationToken);
        if (connection.PostgresParameters.GetValueOrDefault("server_encoding") is { } encoding and not "UTF8")
            throw new InvalidOperationException(
                $"The database '{connection.Database}' has the encoding {encoding}, which lacks characters of events: "
                    + "the event log needs one of UTF8 (create database ... encoding 'UTF8' template template0)."
            );

        try
        {
            var state = await SchemaState.ReadAsync(connection, cancellationToken);
            if (!undoes && state.Newer is { } newer)
                logger.LogInformation("The schema has the functions of a newer version, which stay: {Set}", newer);
            if (state.IsUpToDate && !(undoes && state.Newer is not null))
            {
                await SchemaRights.CheckUseAsync(connection, cancellationToken);
                return;
            }

            await SchemaRights.CheckChangeAsync(connection, refused: null, cancellationToken);
            await ApplyAsync(connection, undoes, cancellationToken);
        }
        // The list of migrations was emptied, too.
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DuplicateTable)
        {
            throw new InvalidOperationException(StoreError.Emptied(e.MessageText), e);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            await SchemaRights.CheckChangeAsync(connection, e, cancellationToken);
            throw;
        }
    }

    /// <summary>Applies the missing migrations, each in its own transaction, then all functions in one.</summary>
    private async Task ApplyAsync(NpgsqlConnection connection, bool undoes, CancellationToken cancellationToken)
    {
        try
        {
            await LockAsync(connection, cancellationToken);
            await RetryAsync(() => connection.RunAsync(SchemaScript.Prepare.Sql, cancellationToken), cancellationToken);
            foreach (var script in SchemaScript.Tables)
                await RetryAsync(() => ApplyAsync(connection, script, cancellationToken), cancellationToken);
            await RetryAsync(() => ApplyFunctionsAsync(connection, undoes, cancellationToken), cancellationToken);
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

    /// <summary>Replaces the functions, all or none, unless the database has this version's or newer ones. Records the
    /// set: a service then starts if newer functions have replaced its own, but not if its own were never
    /// applied.</summary>
    private async Task ApplyFunctionsAsync(
        NpgsqlConnection connection,
        bool undoes,
        CancellationToken cancellationToken
    )
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // Again, under the lock: another process may have been first.
        var state = await SchemaState.ReadAsync(connection, cancellationToken);
        if (state.IsUpToDate && !(undoes && state.Newer is not null))
            return;

        // Unchecked first, because a body may call a later function; then again with checks.
        foreach (var check in (string[])["off", "on"])
        {
            await connection.RunAsync($"set local check_function_bodies = {check}", cancellationToken);
            foreach (var script in SchemaScript.Functions)
                await connection.RunAsync(script.Sql, cancellationToken);
        }

        await connection.RunAsync(SchemaScript.RecordFunctions, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        if (state.Newer is { } newer)
            logger.LogWarning("Undid an upgrade: the functions of this version replace those of {Set}", newer);
        else
            logger.LogInformation("Applied the functions of this version");
    }

    /// <summary>Returns this version's migrations that the database never had: none after an upgrade to a newer
    /// version.</summary>
    /// <exception cref="InvalidOperationException">The role may not read the migrations, or may not use the
    /// schema.</exception>
    /// <exception cref="NpgsqlException">Postgres does not answer, or refuses the user.</exception>
    public async Task<IReadOnlyList<string>> MissingAsync(CancellationToken cancellationToken)
    {
        await using var connection = await store.OpenDirectAsync(cancellationToken);
        try
        {
            var missing = (await SchemaState.ReadAsync(connection, cancellationToken)).Missing;
            if (missing.Count == 0)
                await SchemaRights.CheckUseAsync(connection, cancellationToken);
            return missing;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            await SchemaRights.CheckChangeAsync(connection, e, cancellationToken);
            throw;
        }
    }
}
