using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Integration.Delivery;

/// <summary>Counts the rows that Postgres read for a statement: the cost of a read that no machine's speed
/// changes.</summary>
internal static class RowsRead
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Opens a pool of one connection: only its own session can be asked for the rows that it has just
    /// read.</summary>
    /// <param name="host">The services.</param>
    /// <param name="pool">The pool whose settings the session has.</param>
    public static async Task<NpgsqlDataSource> OneConnectionAsync(IHost host, string pool)
    {
        var pooled = host.Services.GetRequiredKeyedService<NpgsqlDataSource>(pool);
        await using var connection = await pooled.OpenConnectionAsync(Stop);
        var settings = new NpgsqlConnectionStringBuilder(pooled.ConnectionString);
        var text = new NpgsqlConnectionStringBuilder(
            host.Services.GetRequiredService<IConfiguration>().GetConnectionString("eventstore")
        )
        {
            MaxPoolSize = 1,
            MaxAutoPrepare = settings.MaxAutoPrepare,
            AutoPrepareMinUsages = settings.AutoPrepareMinUsages,
            NoResetOnClose = true,
            Options = settings.Options,
        };

        return NpgsqlDataSource.Create(text.ConnectionString);
    }

    /// <summary>Returns the rows read so far, in tables and in indexes.</summary>
    /// <param name="store">A pool of one connection.</param>
    /// <param name="tables">Regular expression for the start of <c>schema.table</c>.</param>
    public static async Task<long> CountAsync(NpgsqlDataSource store, string tables)
    {
        await using (var flush = store.CreateCommand("select pg_stat_force_next_flush()"))
            await flush.ExecuteNonQueryAsync(Stop);

        await using var command = store.CreateCommand(
            $"""
            select coalesce((select sum(idx_tup_read) from pg_stat_user_indexes
                where schemaname || '.' || relname ~ '^{tables}'), 0)
              + coalesce((select sum(seq_tup_read) from pg_stat_user_tables
                where schemaname || '.' || relname ~ '^{tables}'), 0)
            """
        );

        return (long)(decimal)(await command.ExecuteScalarAsync(Stop))!;
    }
}
