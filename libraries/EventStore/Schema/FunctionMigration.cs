using Npgsql;

namespace EventStore;

/// <summary>
/// Applies the functions whose text differs from the one that the database has, and drops those that have no file any
/// more. All or none; the caller keeps other migrators out.
/// </summary>
/// <param name="connection">An open connection without a transaction.</param>
/// <param name="scripts">One script per function, which replaces an existing function.</param>
internal sealed class FunctionMigration(NpgsqlConnection connection, IReadOnlyList<SchemaScript> scripts)
{
    /// <summary>Returns the names of the functions that were applied or dropped.</summary>
    public async Task<IReadOnlyList<string>> ApplyAsync(CancellationToken cancellationToken)
    {
        var applied = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var row in await RowsAsync("select name || ' ' || hash from eventstore.functions", cancellationToken))
            applied.Add(row.Split(' ')[0], row.Split(' ')[1]);
        var changed = scripts.Where(s => applied.GetValueOrDefault(s.Name) != s.Hash).ToList();
        var removed = applied.Keys.Except(scripts.Select(s => s.Name)).ToList();
        if (changed.Count == 0 && removed.Count == 0)
            return [];

        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // Creates the functions unchecked first, because a body may call a later function; then creates them again with
        // checks.
        await connection.RunAsync("set local check_function_bodies = off", cancellationToken);
        foreach (var script in changed)
            await ReplaceAsync(script, cancellationToken);
        await connection.RunAsync("set local check_function_bodies = on", cancellationToken);
        foreach (var script in changed)
        {
            await connection.RunAsync(script.Sql, cancellationToken);
            await connection.RunAsync(
                """
                insert into eventstore.functions (name, hash) values ($1, $2)
                on conflict (name) do update set hash = excluded.hash, applied_at = excluded.applied_at
                """,
                cancellationToken,
                script.Name,
                script.Hash
            );
        }
        foreach (var name in removed)
        {
            await DropAsync(await SignaturesAsync(name, cancellationToken), cancellationToken);
            await connection.RunAsync("delete from eventstore.functions where name = $1", cancellationToken, name);
        }
        await transaction.CommitAsync(cancellationToken);
        return [.. changed.Select(s => s.Name), .. removed];
    }

    /// <summary>Replaces a function, also one whose parameters or result have changed.</summary>
    private async Task ReplaceAsync(SchemaScript script, CancellationToken cancellationToken)
    {
        var before = await SignaturesAsync(script.Name, cancellationToken);
        // In SQL: Npgsql's own methods for savepoints block, which a program that completes inline does not survive.
        await connection.RunAsync("savepoint before_function", cancellationToken);
        try
        {
            await connection.RunAsync(script.Sql, cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidFunctionDefinition)
        {
            // Postgres cannot replace a function whose result type or parameter names changed, so it is dropped first.
            await connection.RunAsync("rollback to savepoint before_function", cancellationToken);
            await DropAsync(before, cancellationToken);
            await connection.RunAsync(script.Sql, cancellationToken);
            return;
        }
        var after = await SignaturesAsync(script.Name, cancellationToken);
        // Changed parameters created a second function; the old one is dropped.
        if (after.Count > before.Count)
            await DropAsync(before, cancellationToken);
        await connection.RunAsync("release savepoint before_function", cancellationToken);
    }

    private Task<List<string>> SignaturesAsync(string name, CancellationToken cancellationToken) =>
        RowsAsync(
            """
            select oid::regprocedure::text from pg_proc
            where pronamespace = 'eventstore'::regnamespace and proname = $1
            """,
            cancellationToken,
            name
        );

    private async Task DropAsync(List<string> signatures, CancellationToken cancellationToken)
    {
        foreach (var signature in signatures)
            await connection.RunAsync($"drop function {signature}", cancellationToken);
    }

    private async Task<List<string>> RowsAsync(
        string sql,
        CancellationToken cancellationToken,
        params string[] parameters
    )
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in parameters)
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = value });
        var rows = new List<string>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
            rows.Add(row.GetString(0));
        return rows;
    }
}
