using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using NpgsqlTypes;

namespace EventStore;

/// <summary>Reads a topic's start, end and n-th event, for streams that end, and lists topics. Thread-safe.</summary>
public sealed class TopicReader([FromKeyedServices(StorePool.Reads)] NpgsqlDataSource store, LineageReader lineages)
{
    /// <summary>Highest ordinal that is looked up; longer streams use the log's ids.</summary>
    internal const int MostOrdinal = 100_000;

    /// <summary>The topic's end is looked for among its newest events; a publisher may have written some after
    /// it.</summary>
    private const int EndWithin = 100;

    /// <summary>Maximum events after the directory's end that a listing counts itself.</summary>
    private const int MostUnlisted = 10_000;

    /// <summary>Reads a topic's positions in one snapshot.</summary>
    /// <param name="topic">A topic, no pattern.</param>
    /// <param name="ordinal">Ordinal of an event in the topic, from 1; 0 is before the first.</param>
    /// <param name="endTypes">Event types that end the topic; empty for a topic without an end.</param>
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
                select coalesce(
                    (select first from eventstore.topics where topic = $1),
                    (select through + 1 from eventstore.topic_directory)
                ) as first
            )
            select {LogState.Columns},
                (select position from eventstore.events_of($1, listed.first - 1) order by topic, position limit 1),
                (select position from eventstore.events_of($1, listed.first - 1)
                    order by topic, position offset least(greatest($2 - 1, 0), {MostOrdinal}) limit 1),
                (select min(position) from (
                    select position, type from eventstore.events_of($1, listed.first - 1)
                    order by topic desc, position desc limit {EndWithin}
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
                // Before the first event; if there is none yet, it will come after the head.
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

    /// <summary>Returns true if committed events of a topic are not in the log yet, but still in the outbox.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<bool> IsInOutboxAsync(string topic, CancellationToken cancellationToken) =>
        store.AskAsync(
            "select exists (select from eventstore.outbox where topic = $1)",
            async command => (bool)(await command.With(topic).ExecuteScalarAsync(cancellationToken))!
        );

    /// <summary>Lists the topics with a prefix, after a topic, in order of their bytes.</summary>
    /// <param name="prefix">The prefix; empty for all topics.</param>
    /// <param name="after">The last topic of the page before; empty for the first page.</param>
    /// <param name="limit">Maximum topics.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
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
                select topic, events, head from eventstore.topics
                where topic > $1 and topic >= $2 and topic < $3 order by topic limit $4
            ), unlisted as (
                select topic, count(*) as events, max(position) as head from (
                    select topic, position from eventstore.events
                    where position > (select through from eventstore.topic_directory)
                    order by position limit {MostUnlisted}
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
                // '~' is greater than every character of a topic.
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

    /// <summary>Returns the topic of an event; null if the log has no such event.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public async Task<string?> TopicAtAsync(StreamId id, CancellationToken cancellationToken)
    {
        var (epoch, topic) = await store.AskAsync<(string, string?)>(
            "select eventstore.epoch(), (select topic from eventstore.events where position = $1)",
            async command =>
            {
                await using var row = await command.With(id.Position).ExecuteReaderAsync(cancellationToken);
                await row.ReadAsync(cancellationToken);
                return (row.GetString(0), row.IsDBNull(1) ? null : row.GetString(1));
            }
        );
        return await lineages.TranslateAsync(id, epoch, cancellationToken) is null ? null : topic;
    }
}

/// <summary>A topic in a listing.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Count">Number of its events in the log.</param>
/// <param name="Head">Position of its newest event.</param>
public sealed record TopicSummary(string Topic, long Count, long Head);

/// <summary>A topic's positions in one snapshot of the log.</summary>
/// <param name="Epoch">The epoch that the positions belong to.</param>
/// <param name="Head">The log's newest position.</param>
/// <param name="Start">The position before the topic's first event.</param>
/// <param name="AtOrdinal">The position of the event with the asked ordinal, <paramref name="Start"/> for 0; null if
/// the topic has fewer events.</param>
/// <param name="End">The position of the event that ended the topic; null while it goes on.</param>
public sealed record TopicState(string Epoch, long Head, long Start, long? AtOrdinal, long? End);
