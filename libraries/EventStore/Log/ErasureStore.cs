using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace EventStore;

/// <summary>Erases events in Postgres. Thread-safe.</summary>
internal sealed class ErasureStore([FromKeyedServices(StorePool.Work)] NpgsqlDataSource store)
{
    /// <inheritdoc cref="IEventLog.EraseAsync"/>
    public async Task<ErasureResult> EraseAsync(Erasure erasure, CancellationToken cancellationToken)
    {
        var (result, open) = await store.ChangeAsync(
            "select number, events, outbox_rows, unknown, open_runs from eventstore.erase($1, $2, $3, $4)",
            async command =>
            {
                command.With<string[]>([.. erasure.Topics]).With<Guid[]>([.. erasure.Ids]);
                await using var row = await command.With(erasure.By).With(erasure.Reason).ExecuteReaderAsync();
                await row.ReadAsync();
                var open = row.GetFieldValue<string[]>(4);
                var result =
                    open.Length > 0
                        ? null
                        : new ErasureResult
                        {
                            Number = row.GetInt64(0),
                            Events = row.GetInt64(1),
                            OutboxRows = row.GetInt64(2),
                            Unknown = row.GetFieldValue<string[]>(3),
                        };
                // The row arrives before the commit, which the end of the statement proves.
                while (await row.NextResultAsync()) { }
                return (result, open);
            },
            cancellationToken
        );
        return result ?? throw new OpenRunException(open);
    }
}
