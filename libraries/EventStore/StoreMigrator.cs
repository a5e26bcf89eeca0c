using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStore;

/// <summary>Brings the schema up to date. Safe to run from several processes at once: the first does it, the others
/// wait.</summary>
public sealed class StoreMigrator(NpgsqlDataSource store, ILogger<StoreMigrator> logger)
{
    /// <summary>Applies, in order and each in its own transaction, the migrations that the database has not
    /// seen.</summary>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var connection = await store.OpenConnectionAsync(cancellationToken);
        await ExecuteAsync("select pg_advisory_lock(7303014, 0)");
        try
        {
            await ExecuteAsync("set statement_timeout = 0; set idle_in_transaction_session_timeout = 0");
            await ExecuteAsync(
                "create schema if not exists eventstore; create table if not exists eventstore.migrations (name text primary key, applied_at timestamptz not null default now())"
            );
            foreach (var (name, sql) in Scripts())
            {
                await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                await using var seen = new NpgsqlCommand(
                    "insert into eventstore.migrations (name) values ($1) on conflict do nothing",
                    connection
                )
                {
                    Parameters = { new() { Value = name } },
                };
                if (await seen.ExecuteNonQueryAsync(cancellationToken) == 0)
                    continue;
                await ExecuteAsync(sql);
                await transaction.CommitAsync(cancellationToken);
                logger.LogInformation("Applied migration {Migration}", name);
            }
        }
        finally
        {
            await ExecuteAsync(
                "select pg_advisory_unlock(7303014, 0); reset statement_timeout; reset idle_in_transaction_session_timeout"
            );
        }

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private static IEnumerable<(string Name, string Sql)> Scripts()
    {
        var assembly = typeof(StoreMigrator).Assembly;
        foreach (
            var resource in assembly
                .GetManifestResourceNames()
                .Where(n => n.EndsWith(".sql", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
        )
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            yield return (resource.Split('.')[^2], reader.ReadToEnd());
        }
    }
}
