using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace EventStore;

/// <summary>The last time that a topic had a reader, for events made only while a client reads. Thread-safe.</summary>
/// <remarks>Every method throws <see cref="StoreUnavailableException"/> unless Postgres answers.</remarks>
internal sealed class ReaderTimes([FromKeyedServices(StorePool.Work)] NpgsqlDataSource store)
{
    /// <summary>Records that the topic has a reader now.</summary>
    public Task NoteAsync(string topic, CancellationToken cancellationToken) =>
        store.ChangeAsync(
            """
            insert into eventstore.readers values ($1, clock_timestamp())
            on conflict (topic) do update set seen_at = excluded.seen_at
            """,
            command => command.With(topic).ExecuteNonQueryAsync(),
            cancellationToken
        );

    public Task<bool> WasReadAsync(string topic, TimeSpan within, CancellationToken cancellationToken) =>
        store.AskAsync(
            "select seen_at > clock_timestamp() - $2 from eventstore.readers where topic = $1",
            async command => await command.With(topic).With(within).ExecuteScalarAsync() is true,
            cancellationToken
        );
}
