using System.Data;
using EventStore;
using Npgsql;

namespace AspireSse.Server;

/// <summary>Reads a topic's start, end and n-th event, for streams that end, and lists topics. Thread-safe. Every
/// method throws <see cref="StoreUnavailableException"/> while Postgres does not answer, and
/// <see cref="ArgumentException"/> for a text with a NUL or an unpaired surrogate.</summary>
/// <remarks>Needed only by a host that lists topics or looks for topics without events, as StreamApi does.</remarks>
public sealed class TopicReader
{
    private readonly NpgsqlDataSource _store;
    private readonly LineageReader _lineages;

    internal TopicReader(NpgsqlDataSource store, LineageReader lineages)
    {
        _store = store;
        _lineages = lineages;
    }

    /// <summary>Highest ordinal that is looked up, because the lookup counts the events before it.</summary>
    internal const int MostOrdinal = 10_000;

    /// <summary>Number of newest events among which the end is sought, because a publisher may have written others
    /// after it.</summary>
    private const int EndWithin = 100;

    /// <summary>Reads a topic's positions in one snapshot.</summary>
    /// <param name="ordinal">Ordinal of an event in the topic, from 1; 0 is before the first.</param>
    /// <param name="endTypes">Event types that end the topic; empty for a topic without an end.</param>
    internal Task<TopicState> ReadAsync(
        string topic,
        long ordinal,
        IReadOnlyCollection<string> endTypes,
        CancellationToken cancellationToken
    ) =>
        _store.AskAsync(
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
            command => command.With(topic).With(ordinal).With(endTypes.ToArray()).RowAsync(row => State(row, ordinal)),
            cancellationToken
        );

    private static TopicState State(NpgsqlDataReader row, long ordinal)
    {
        var state = LogState.Of(row);
        // The position before the first event, or the head if there is no event yet: the first one will come after it.
        var start = row.NumberOrNull(3) - 1 ?? state.Head;
        var counted = row.NumberOrNull(4);
        return new TopicState(
            state.Epoch,
            state.Head,
            start,
            ordinal == 0 ? start
                : ordinal > MostOrdinal ? null
                : counted,
            IsCounted: ordinal <= MostOrdinal || counted is null,
            row.NumberOrNull(5)
        );
    }

    /// <summary>Returns the topics that have no event, neither in the log nor in the outbox.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<string[]> WithoutEventsAsync(string[] topics, CancellationToken cancellationToken = default) =>
        _store.AskAsync(
            // The outbox comes second: most topics with rows that were moved from it have an event.
            """
            select array(
                select asked.topic from unnest($1) asked(topic) where case
                    when exists (select from eventstore.events_of(asked.topic)) then false
                    else not exists (select from eventstore.outbox where outbox.topic = asked.topic) end
            )
            """,
            async command => (string[])(await command.With(topics).ExecuteScalarAsync(CancellationToken.None))!,
            cancellationToken
        );

    /// <summary>Reads a topic whose events have a number in their data, <c>id</c>, that counts up, and the newest
    /// events of another topic, in one snapshot. A bisection finds the event, by one row for each halving of the
    /// topic's range of positions.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="number">The number that is sought.</param>
    /// <param name="other">The other topic.</param>
    /// <param name="type">The type that is sought in the other topic.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<NumberedTopic> ReadNumberedAsync(
        string topic,
        long number,
        string other,
        string type,
        CancellationToken cancellationToken = default
    ) => NumberedTopic.ReadAsync(_store, topic, number, (other, type), cancellationToken);

    /// <summary>Lists topics page by page, in one snapshot of the log.</summary>
    /// <param name="prefix">The beginning of all topics that are read; empty for all.</param>
    /// <param name="listAsync">Reads the pages. It may be called twice.</param>
    /// <param name="cancellationToken">Cancels the reads.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<T> ListAsync<T>(
        string prefix,
        Func<TopicPager, Task<T>> listAsync,
        CancellationToken cancellationToken = default
    ) =>
        _store.AskAsync(
            sql: null,
            async command =>
            {
                await using var snapshot = await command.Connection!.BeginTransactionAsync(
                    IsolationLevel.RepeatableRead,
                    CancellationToken.None
                );
                command.Transaction = snapshot;
                return await listAsync(await TopicPager.BeginAsync(command, prefix, cancellationToken));
            },
            cancellationToken
        );

    /// <summary>Returns the topic of an event, or null if the log has no such event.</summary>
    internal async Task<string?> TopicAtAsync(StreamPosition id, CancellationToken cancellationToken)
    {
        var (epoch, topic) = await _store.AskAsync<(string, string?)>(
            "select eventstore.epoch(), (select topic from eventstore.events where position = $1)",
            command => command.With(id.Position).RowAsync(row => (row.GetString(0), row.TextOrNull(1))),
            cancellationToken
        );
        return await _lineages.TranslateAsync(id, epoch, cancellationToken) is null ? null : topic;
    }
}

/// <summary>A topic's positions in one snapshot of the log.</summary>
/// <param name="Start">The position before the topic's first event; the head if it has none.</param>
/// <param name="AtOrdinal">Position of the event with the asked ordinal, or null if there is none or it is not
/// counted.</param>
/// <param name="IsCounted">False if the topic has more events than are counted, and the ordinal is beyond.</param>
/// <param name="End">The position of the event that ended the topic, or null while it goes on.</param>
internal sealed record TopicState(string Epoch, long Head, long Start, long? AtOrdinal, bool IsCounted, long? End);
