using EventStore;
using Npgsql;

namespace AspireSse.Server;

/// <summary>A topic whose events have a number in their data, <c>id</c>, that counts up. Retention removes the lowest
/// numbers.</summary>
/// <remarks>Needed only for a stream that resumes after numbers of the application's own, as StreamApi's resilient
/// sessions do.</remarks>
/// <param name="Head">The head of the log.</param>
/// <param name="Start">Place before the topic's oldest event, or null if it has none.</param>
/// <param name="Oldest">Number of the oldest event, or null without one.</param>
/// <param name="Newest">Number of the newest event.</param>
/// <param name="At">Place of the event with the asked number, or null if the topic does not have it.</param>
/// <param name="Other">The places that were found in the other topic.</param>
public readonly record struct NumberedTopic(
    StreamPosition Head,
    StreamPosition? Start,
    long? Oldest,
    long? Newest,
    StreamPosition? At,
    RecentEnds Other
)
{
    private const int MostSearched = 100;

    internal static Task<NumberedTopic> ReadAsync(
        NpgsqlDataSource store,
        string topic,
        long number,
        (string Topic, string Type) other,
        CancellationToken cancellationToken
    ) =>
        store.ReadAsync(
            $"""
            select eventstore.epoch(), eventstore.head(), log.*, other.*
            from eventstore.numbered($1, $2) log cross join (
                select max(position) as newest, max(position) filter (where type = $4) as last,
                    case when count(*) = {MostSearched} then min(position) end as since
                from (
                    select position, type from eventstore.events_of($3)
                    order by topic desc, position desc limit {MostSearched}
                ) recent
            ) other
            """,
            command => command.With(topic).With(number).With(other.Topic).With(other.Type).RowAsync(Of),
            cancellationToken
        );

    private static NumberedTopic Of(NpgsqlDataReader row)
    {
        var head = new StreamPosition(row.GetString(0), row.GetInt64(1));
        return new NumberedTopic(
            head,
            Place(2),
            row.NumberOrNull(3),
            row.NumberOrNull(4),
            Place(5),
            new RecentEnds(Place(6), Place(7), Place(8))
        );

        StreamPosition? Place(int column) =>
            row.NumberOrNull(column) is { } position ? head with { Position = position } : null;
    }
}

/// <summary>Places among the newest hundred events of a topic.</summary>
/// <remarks>Needed only with <see cref="NumberedTopic"/>, to find in a second topic what ended the first, such as an
/// error.</remarks>
/// <param name="Newest">Place of the newest event, or null if the topic has no events.</param>
/// <param name="Last">Place of the newest event of the sought type, or null if none of the hundred has this
/// type.</param>
/// <param name="Since">Place of the oldest of the hundred, or null if there are fewer.</param>
public readonly record struct RecentEnds(StreamPosition? Newest, StreamPosition? Last, StreamPosition? Since);
