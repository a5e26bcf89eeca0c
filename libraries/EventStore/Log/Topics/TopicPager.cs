using EventStore;
using Npgsql;

namespace AspireSse.Server;

/// <summary>
/// A reader of pages of the topics in one snapshot of the log. A single statement counts the events that the directory
/// does not have yet, however many pages are read. Not thread-safe.
/// </summary>
/// <remarks>Needed only by a host that pages through its topics, as StreamApi does.</remarks>
public sealed class TopicPager
{
    /// <summary>Maximum events after the directory's end that are counted.</summary>
    private const int MostUnlisted = 10_000;

    private static readonly Comparer<TopicSummary> InOrder = Comparer<TopicSummary>.Create(
        (a, b) => string.CompareOrdinal(a.Topic, b.Topic)
    );

    private readonly NpgsqlCommand _command;
    private readonly CancellationToken _cancellationToken;
    private readonly List<TopicSummary> _unlisted = [];
    private string _epoch = "";

    private TopicPager(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        _command = command;
        _cancellationToken = cancellationToken;
    }

    /// <summary>Counts the events that the directory does not have yet.</summary>
    /// <param name="command">A command in a transaction with one snapshot; the pages use it.</param>
    /// <param name="prefix">Prefix of the topics.</param>
    /// <param name="cancellationToken">Cancels all reads.</param>
    internal static async Task<TopicPager> BeginAsync(
        NpgsqlCommand command,
        string prefix,
        CancellationToken cancellationToken
    )
    {
        var pages = new TopicPager(command, cancellationToken);
        // This table is locked first, as eventstore.reset() does: another order could deadlock with it.
        command.CommandText = "lock table eventstore.topics in access share mode";
        await command.ExecuteNonQueryAsync(CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();

        command.CommandText = $"""
            with unlisted as (
                select topic, count(*) as events, max(position) as head from (
                    select topic, position from eventstore.events
                    where position > (select through from eventstore.topic_directory)
                    order by position limit {MostUnlisted}
                ) rest
                where topic >= $1 and topic < $2 group by topic
            )
            -- a subquery, or its function would read pg_control for each row
            select (select eventstore.epoch()), topic, events, head from (values (1)) one left join unlisted on true
            """;
        pages.SetRange(prefix);

        await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
        while (await row.ReadAsync(CancellationToken.None))
        {
            pages._epoch = row.GetString(0);
            if (!row.IsDBNull(1))
                pages._unlisted.Add(pages.Summary(row, first: 1));
        }

        pages._unlisted.Sort(InOrder);
        return pages;
    }

    /// <summary>Reads the topics with a prefix, after a topic, in order of their bytes.</summary>
    /// <param name="prefix">The prefix of this page, which begins with the prefix of all pages.</param>
    /// <param name="after">The last topic of the page before; empty for the first page.</param>
    /// <param name="limit">Maximum topics.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="limit"/> is less than 1.</exception>
    public async Task<IReadOnlyList<TopicSummary>> ReadAsync(string prefix, string after, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        var topics = new SortedDictionary<string, TopicSummary>(StringComparer.Ordinal);

        foreach (var unlisted in Unlisted(prefix, after).Take(limit))
            topics.Add(unlisted.Topic, unlisted);

        _command.CommandText = """
            select topic, events, head from eventstore.topics
            where topic >= $1 and topic < $2 and topic > $3 order by topic limit $4
            """;
        SetRange(prefix);
        _command.With(after).With(limit);
        _cancellationToken.ThrowIfCancellationRequested();

        await using var row = await _command.ExecuteReaderAsync(CancellationToken.None);
        while (await row.ReadAsync(CancellationToken.None))
        {
            var listed = Summary(row, first: 0);
            topics[listed.Topic] = topics.TryGetValue(listed.Topic, out var unlisted)
                ? unlisted with
                {
                    Count = listed.Count + unlisted.Count,
                }
                : listed;
        }

        return [.. topics.Values.Take(limit)];
    }

    private TopicSummary Summary(NpgsqlDataReader row, int first) =>
        new(row.GetString(first), row.GetInt64(first + 1), new StreamPosition(_epoch, row.GetInt64(first + 2)));

    /// <summary>Enumerates the unlisted topics of a page. It finds the first one by bisection, because a list may have
    /// a page for each of a client's grants.</summary>
    private IEnumerable<TopicSummary> Unlisted(string prefix, string after)
    {
        var isAfter = string.CompareOrdinal(after, prefix) >= 0;
        var at = _unlisted.BinarySearch(new TopicSummary(isAfter ? after : prefix, 0, default), InOrder);
        if (at < 0)
            at = ~at;
        else if (isAfter)
            at++;

        for (; at < _unlisted.Count && _unlisted[at].Topic.StartsWith(prefix, StringComparison.Ordinal); at++)
            yield return _unlisted[at];
    }

    private void SetRange(string prefix)
    {
        _command.Parameters.Clear();
        // '~' is greater than every character of a topic.
        _command.With(prefix).With(prefix + "~");
    }
}
