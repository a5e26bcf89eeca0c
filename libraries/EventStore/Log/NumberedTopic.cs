using Npgsql;

namespace EventStore;

/// <summary>A topic of numbered events: <c>id</c> in their data counts up, and retention removes the lowest.</summary>
/// <param name="Start">Position before the topic's oldest event; null if it has none.</param>
/// <param name="Oldest">Number of the oldest event; null without one, as <paramref name="Newest"/>.</param>
/// <param name="At">Position of the event with the asked number; null if the topic does not have it.</param>
internal readonly record struct NumberedTopic(
    StreamPosition Head,
    long? Start,
    long? Oldest,
    long? Newest,
    long? At,
    RecentEnds Other
)
{
    private const int Columns = 9,
        MostSearched = 100;

    /// <summary>Reads a topic and a row of the caller's own tables in one statement, so they agree. It costs a row for
    /// each halving of the topic's range of positions, wherever the event is.</summary>
    /// <param name="other">The other topic, and the type that is sought in it.</param>
    /// <param name="own">Query for at most one row; <c>$5</c> is the key.</param>
    /// <param name="read">Reads the row's columns, from 0; all are null if there is no row.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public static Task<(NumberedTopic Topic, T Own)> ReadAsync<T>(
        NpgsqlDataSource store,
        string topic,
        long number,
        (string Topic, string Type) other,
        string own,
        string key,
        Func<NpgsqlDataReader, T> read,
        CancellationToken cancellationToken
    ) =>
        store.ReadAsync(
            $"""
            select own.*, eventstore.epoch(), eventstore.head(), log.*, other.*
            from eventstore.numbered($1, $2) log cross join (
                select max(position) as newest, max(position) filter (where type = $4) as last,
                    case when count(*) = {MostSearched} then min(position) end as since
                from (
                    select position, type from eventstore.events_of($3)
                    order by topic desc, position desc limit {MostSearched}
                ) recent
            ) other left join lateral ({own}) own on true
            """,
            async command =>
            {
                command.With(topic).With(number).With(other.Topic).With(other.Type).With(key);
                await using var row = await command.ExecuteReaderAsync();
                await row.ReadAsync();
                return (Of(row, row.FieldCount - Columns), read(row));
            },
            cancellationToken
        );

    private static NumberedTopic Of(NpgsqlDataReader row, int first)
    {
        var head = new StreamPosition(row.GetString(first), row.GetInt64(first + 1));
        var other = new RecentEnds(Number(6), Number(7), Number(8));
        return new NumberedTopic(head, Number(2), Number(3), Number(4), Number(5), other);

        long? Number(int column) => row.IsDBNull(first + column) ? null : row.GetInt64(first + column);
    }
}

/// <summary>Positions among the newest hundred events of a topic.</summary>
/// <param name="Last">The newest one of a type; null if none of them has it.</param>
/// <param name="Since">The oldest of the hundred; null if there are fewer.</param>
internal readonly record struct RecentEnds(long? Newest, long? Last, long? Since);
