using Npgsql;

namespace StreamApi.Replicas;

/// <summary>The replicas as they last described themselves, each by a JSON document. Thread-safe. Every method throws
/// <see cref="NpgsqlException"/> or <see cref="TimeoutException"/> while Postgres does not answer; a cancellation ends
/// the wait.</summary>
internal sealed class ReplicaTable([FromKeyedServices(ReplicaTable.Pool)] NpgsqlDataSource store)
{
    /// <summary>Key of its connections: one replica's announcements, and everybody's reads.</summary>
    public const string Pool = "replicas";

    public const int Connections = 2;

    /// <summary>Stores a replica's document, with the time by Postgres's clock.</summary>
    public Task SetAsync(string replica, string state, CancellationToken cancellationToken) =>
        ExecuteAsync(
                """
                insert into streamapi.replicas values ($1, $2::jsonb, clock_timestamp())
                on conflict (name) do update set state = excluded.state, seen_at = excluded.seen_at
                """,
                replica,
                state
            )
            .WaitAsync(cancellationToken);

    /// <summary>Reads the other replicas whose last document has an age between the two, in no order.</summary>
    public Task<IReadOnlyList<ReplicaState>> OthersAsync(
        string replica,
        TimeSpan minAge,
        TimeSpan maxAge,
        CancellationToken cancellationToken
    ) => ReadAsync(replica, minAge, maxAge).WaitAsync(cancellationToken);

    /// <summary>Removes a replica that stops, and those without a document for a day.</summary>
    public Task RemoveAsync(string replica, CancellationToken cancellationToken) =>
        ExecuteAsync(
                "delete from streamapi.replicas where name = $1 or seen_at < clock_timestamp() - interval '1 day'",
                replica
            )
            .WaitAsync(cancellationToken);

    private async Task<IReadOnlyList<ReplicaState>> ReadAsync(string replica, TimeSpan minAge, TimeSpan maxAge)
    {
        await using var command = Command(
            """
            select state, seen_at from streamapi.replicas
            where name <> $1 and clock_timestamp() - seen_at >= $2 and clock_timestamp() - seen_at < $3
            """,
            replica,
            minAge,
            maxAge
        );
        await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
        var others = new List<ReplicaState>();
        while (await row.ReadAsync(CancellationToken.None))
            others.Add(new ReplicaState(row.GetString(0), row.GetFieldValue<DateTimeOffset>(1)));

        return others;
    }

    private async Task ExecuteAsync(string sql, params object[] values)
    {
        await using var command = Command(sql, values);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private NpgsqlCommand Command(string sql, params object[] values)
    {
        var command = store.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command;
    }
}

/// <summary>A replica's last document, as JSON, and when it was stored, by Postgres's clock.</summary>
internal readonly record struct ReplicaState(string State, DateTimeOffset SeenAt);
