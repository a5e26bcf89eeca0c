using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using NpgsqlTypes;

namespace EventStore;

/// <summary>Where a topic begins, ends, and has its n-th event: what a finite stream asks. Thread-safe.</summary>
public sealed class TopicReader([FromKeyedServices(StorePool.Reads)] NpgsqlDataSource store)
{
    /// <summary>A finite topic's n-th event is looked for among so many; a stream that is longer has ids of its
    /// own.</summary>
    private const int MostOrdinal = 100_000;

    /// <summary>Newest events of a topic among which its end is looked for: nothing of ours writes behind one, but a
    /// publisher may.</summary>
    private const int EndWithin = 100;

    /// <summary>Events that the directory has not listed yet and a listing counts by itself.</summary>
    private const int MostUnlisted = 10_000;

    /// <summary>Reads one snapshot of a topic.</summary>
    /// <param name="topic">The topic itself, no pattern.</param>
    /// <param name="ordinal">The n-th event of the topic, from 1; 0 stands before the first.</param>
    /// <param name="endTypes">Types of which one ends the topic; none where it is without end.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<TopicState> ReadAsync(
        string topic,
        long ordinal,
        IReadOnlyCollection<string> endTypes,
        CancellationToken cancellationToken
    ) =>
        store.AskAsync(
            $"""
            {LogState.Sql}, listed as materialized (
                select coalesce((select first from eventstore.topics where topic = $1), (select through + 1 from eventstore.topic_directory)) as first
            )
            select {LogState.Columns},
                (select position from eventstore.events where topic = $1 and position >= listed.first order by position limit 1),
                (select position from eventstore.events where topic = $1 and position >= listed.first
                    order by position offset least(greatest($2 - 1, 0), {MostOrdinal}) limit 1),
                (select min(position) from (
                    select position, type from eventstore.events where topic = $1 and position >= listed.first order by position desc limit {EndWithin}
                ) newest where type = any($3))
            from state, listed
            """,
            async command =>
            {
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = topic });
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = ordinal });
                command.Parameters.Add(
                    new NpgsqlParameter<string[]>
                    {
                        TypedValue = [.. endTypes],
                        NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
                    }
                );
                await using var row = await command.ExecuteReaderAsync(cancellationToken);
                await row.ReadAsync(cancellationToken);
                var state = LogState.Of(row);
                long? Position(int column) => row.IsDBNull(column) ? null : row.GetInt64(column);
                // Before the first event; where there is none yet, it will come after the head.
                var start = Position(3) is { } first ? first - 1 : state.Head;
                return new TopicState(
                    state.Epoch,
                    state.Head,
                    start,
                    ordinal == 0 ? start
                        : ordinal > MostOrdinal ? null
                        : Position(4),
                    Position(5)
                );
            }
        );

    /// <summary>Lists topics in ordinal order, after <paramref name="after"/>, that begin with <paramref
    /// name="prefix"/>.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<(string Epoch, IReadOnlyList<TopicSummary> Topics)> ListAsync(
        string prefix,
        string after,
        int limit,
        CancellationToken cancellationToken
    ) =>
        store.AskAsync<(string Epoch, IReadOnlyList<TopicSummary> Topics)>(
            $"""
            with listed as (
                select topic, events, head from eventstore.topics where topic > $1 and topic >= $2 and topic < $3 order by topic limit $4
            ), unlisted as (
                select topic, count(*) as events, max(position) as head from (
                    select topic, position from eventstore.events
                    where position > (select through from eventstore.topic_directory) order by position limit {MostUnlisted}
                ) rest
                where topic > $1 and topic >= $2 and topic < $3 group by topic
            )
            -- a subquery, or its function would read pg_control for each row: 18 ms for 1,000 topics
            select (select eventstore.epoch()), topic, sum(events)::bigint, max(head)
            from (select * from listed union all select * from unlisted) topics group by topic order by topic limit $4
            """,
            async command =>
            {
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = after });
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = prefix });
                // after every character of a topic
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = prefix + "~" });
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
            }
        );

    /// <summary>The topic of the event at a position; null where there is none.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<string?> TopicAtAsync(StreamId id, CancellationToken cancellationToken) =>
        store.AskAsync<string?>(
            "select topic from eventstore.events where position = $1 and eventstore.epoch() = $2",
            async command =>
            {
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id.Position });
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id.Epoch });
                return await command.ExecuteScalarAsync(cancellationToken) as string;
            }
        );
}

/// <summary>A topic's events that are kept: how many, and the newest one's position.</summary>
public sealed record TopicSummary(string Topic, long Count, long Head);

/// <summary>A topic at one moment, in positions of the log.</summary>
/// <param name="Epoch">The epoch that the positions belong to.</param>
/// <param name="Head">The log's newest position.</param>
/// <param name="Start">A reader that starts after this gets the topic from its first event.</param>
/// <param name="AtOrdinal">A reader that has the asked number of events starts after this; null where there are
/// fewer.</param>
/// <param name="End">The event that ended the topic; null while it goes on.</param>
public sealed record TopicState(string Epoch, long Head, long Start, long? AtOrdinal, long? End);
