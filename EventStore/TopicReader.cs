using Npgsql;
using NpgsqlTypes;

namespace EventStore;

/// <summary>Where a topic begins, ends, and has its n-th event: what a finite stream asks. Thread-safe.</summary>
public sealed class TopicReader(NpgsqlDataSource store)
{
    /// <summary>One snapshot of a topic.</summary>
    /// <param name="ordinal">The n-th event of the topic, from 1; 0 stands before the first.</param>
    /// <param name="topic">The topic itself, no pattern.</param>
    /// <param name="endTypes">Types of which one ends the topic; none where it is without end.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<TopicState> ReadAsync(string topic, long ordinal, IReadOnlyCollection<string> endTypes, CancellationToken cancellationToken) =>
        store.AskAsync<TopicState>("""
            select eventstore.epoch(), eventstore.head(),
                (select min(position) from eventstore.events where topic = $1),
                (select position from eventstore.events where topic = $1 order by position offset greatest($2 - 1, 0) limit 1),
                (select min(position) from eventstore.events where topic = $1 and type = any($3))
            """, async command =>
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = topic });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = ordinal });
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. endTypes], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            await row.ReadAsync(cancellationToken);
            var (epoch, head) = (row.GetString(0), row.GetInt64(1));
            long? Position(int column) => row.IsDBNull(column) ? null : row.GetInt64(column);
            // Before the first event; where there is none yet, it will come after the head.
            var start = Position(2) is { } first ? first - 1 : head;
            return new TopicState(epoch, head, start, ordinal == 0 ? start : Position(3), Position(4));
        });

    /// <summary>Topics in ordinal order, after <paramref name="after"/>, that begin with <paramref name="prefix"/>.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<(string Epoch, IReadOnlyList<TopicSummary> Topics)> ListAsync(string prefix, string after, int limit, CancellationToken cancellationToken) =>
        store.AskAsync<(string Epoch, IReadOnlyList<TopicSummary> Topics)>("""
            -- One descent of the index a topic (a "loose" scan), however many events it has; only the listed ones are counted.
            with recursive found as (
                (select topic, 1 as n from eventstore.events where topic > $1 and topic >= $2 order by topic limit 1)
                union all
                select (select e.topic from eventstore.events e where e.topic > f.topic order by e.topic limit 1), f.n + 1
                from found f where f.topic is not null and f.n < $3
            )
            select eventstore.epoch(), f.topic, count(*), max(e.position)
            from found f join eventstore.events e on e.topic = f.topic
            where starts_with(f.topic, $2)
            group by f.topic order by f.topic
            """, async command =>
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = after });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = prefix });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            var epoch = "";
            var topics = new List<TopicSummary>();
            while (await row.ReadAsync(cancellationToken))
            {
                epoch = row.GetString(0);
                topics.Add(new TopicSummary(row.GetString(1), row.GetInt64(2), row.GetInt64(3)));
            }
            return (epoch, topics);
        });

    /// <summary>The topic of the event at a position; null where there is none.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<string?> TopicAtAsync(StreamId id, CancellationToken cancellationToken) => store.AskAsync<string?>("select topic from eventstore.events where position = $1 and eventstore.epoch() = $2", async command =>
    {
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id.Position });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id.Epoch });
        return await command.ExecuteScalarAsync(cancellationToken) as string;
    });
}

/// <summary>A topic's events that are kept: how many, and the newest one's position.</summary>
public sealed record TopicSummary(string Topic, long Count, long Head);

/// <summary>A topic at one moment, in positions of the log.</summary>
/// <param name="Epoch">The epoch that the positions belong to.</param>
/// <param name="Head">The log's newest position.</param>
/// <param name="Start">A reader that starts after this gets the topic from its first event.</param>
/// <param name="AtOrdinal">A reader that has the asked number of events starts after this; null where there are fewer.</param>
/// <param name="End">The event that ended the topic; null while it goes on.</param>
public sealed record TopicState(string Epoch, long Head, long Start, long? AtOrdinal, long? End);
