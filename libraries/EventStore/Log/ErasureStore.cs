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
            command =>
            {
                command.With<string[]>([.. erasure.Topics]).With<Guid[]>([.. erasure.Ids]);
                return command.With(erasure.By).With(erasure.Reason).RowAsync(Result);
            },
            cancellationToken
        );
        return result ?? throw new OpenRunException(open);
    }

    private static (ErasureResult? Result, string[] Open) Result(NpgsqlDataReader row)
    {
        var open = row.GetFieldValue<string[]>(4);
        if (open.Length > 0)
            return (null, open);
        var result = new ErasureResult
        {
            Number = row.GetInt64(0),
            Events = row.GetInt64(1),
            OutboxRows = row.GetInt64(2),
            Unknown = row.GetFieldValue<string[]>(3),
        };
        return (result, open);
    }

    /// <summary>Returns true if a topic was erased after a request with a key had got its id: a repetition of the
    /// request stores nothing in it.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<bool> IsSpentAsync(string topic, string id, CancellationToken cancellationToken) =>
        store.ReadAsync(
            """
            select exists (
                select from eventstore.idempotency_keys k join eventstore.erasures x on x.erased_at > k.created_at
                where k.answer = $2 and eventstore.is_below($1, x.topics))
            """,
            async command => (bool)(await command.With(topic).With(id).ExecuteScalarAsync(CancellationToken.None))!,
            cancellationToken
        );
}
