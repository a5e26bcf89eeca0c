using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace EventStore;

/// <summary>The stream servers as they last described themselves, each by a JSON document. Thread-safe. Every method
/// throws <see cref="NpgsqlException"/> or <see cref="TimeoutException"/> while Postgres does not answer.</summary>
internal sealed class ReplicaStateStore([FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store)
{
    /// <summary>Stores a replica's document, with the time by Postgres's clock.</summary>
    public Task SetAsync(string replica, string state, CancellationToken cancellationToken) =>
        store.RunAsync(
            """
            insert into eventstore.replicas values ($1, $2::jsonb, clock_timestamp())
            on conflict (name) do update set state = excluded.state, seen_at = excluded.seen_at
            """,
            command => command.With(replica).With(state).ExecuteNonQueryAsync(),
            cancellationToken
        );

    /// <summary>Reads the other replicas whose last document has an age between the two, in no order.</summary>
    public Task<IReadOnlyList<ReplicaState>> OthersAsync(
        string replica,
        TimeSpan minAge,
        TimeSpan maxAge,
        CancellationToken cancellationToken
    ) =>
        store.RunAsync<IReadOnlyList<ReplicaState>>(
            """
            select state, seen_at from eventstore.replicas
            where name <> $1 and clock_timestamp() - seen_at >= $2 and clock_timestamp() - seen_at < $3
            """,
            async command =>
            {
                await using var row = await command.With(replica).With(minAge).With(maxAge).ExecuteReaderAsync();
                var others = new List<ReplicaState>();
                while (await row.ReadAsync())
                    others.Add(new ReplicaState(row.GetString(0), row.GetFieldValue<DateTimeOffset>(1)));
                return others;
            },
            cancellationToken
        );

    /// <summary>Removes a replica that stops, and those without a document for a day.</summary>
    public Task RemoveAsync(string replica, CancellationToken cancellationToken) =>
        store.RunAsync(
            "delete from eventstore.replicas where name = $1 or seen_at < clock_timestamp() - interval '1 day'",
            command => command.With(replica).ExecuteNonQueryAsync(),
            cancellationToken
        );
}

/// <summary>A replica's last document, as JSON, and when it was stored, by Postgres's clock.</summary>
internal readonly record struct ReplicaState(string State, DateTimeOffset SeenAt);
