using Npgsql;

namespace EventStore;

/// <summary>The topics in the directory that match a filter and have events after a position.</summary>
/// <param name="Through">The directory is complete up to this position.</param>
/// <param name="Topics">The topics, each with a position before its first such event, or null if they are too many to
/// look up.</param>
internal sealed record TopicListing(
    LogState Store,
    long Through,
    long PartitionSpan,
    IReadOnlyDictionary<string, long>? Topics
)
{
    /// <summary>Minimum rows of the directory read for one pattern.</summary>
    private const int LeastPerPattern = 32;

    /// <summary>Rows of the directory that the patterns share equally; each gets at least its minimum.</summary>
    private const int SharedRows = 1_024;

    /// <summary>Maximum rows of the directory read for all patterns: the sum of a hundred minimums.</summary>
    private const int MostRows = 3_200;

    /// <summary>Maximum topics that are looked up one by one: for more topics a scan of the log is as fast.</summary>
    private const int MostTopics = 256;

    private const string Sql = $"""
        {LogState.Sql}, d as materialized (
            select d.through, s.partition_span from eventstore.topic_directory d, eventstore.store s
        )
        select {LogState.Columns}, d.through, d.partition_span, t.range, t.topic, t.first, t.head
        from state, d left join (
            select r.range, t.topic, t.first, t.head
            from unnest($1::text[], $2::text[]) with ordinality as r(low, high, range) cross join lateral (
                select topic, first, head from eventstore.topics
                where topic >= r.low and topic < r.high order by topic limit $3
            ) t
            limit $4
        ) t on true
        """;

    public static Task<TopicListing> ReadAsync(
        NpgsqlDataSource store,
        EventFilter filter,
        long after,
        CancellationToken cancellationToken
    )
    {
        var ranges = filter.Topics.Select(Range).Distinct().ToArray();
        var mostOfRange = Math.Max(LeastPerPattern, SharedRows / ranges.Length);
        return store.AskAsync(
            Sql,
            async command =>
            {
                command.With(Array.ConvertAll(ranges, r => r.Low)).With(Array.ConvertAll(ranges, r => r.High));
                command.With(mostOfRange).With(MostRows);
                await using var row = await command.ExecuteReaderAsync(CancellationToken.None);

                LogState? state = null;
                var through = 0L;
                var span = 1L;
                var ofRange = new int[ranges.Length];
                var rows = 0;
                var tooMany = false;
                var topics = new Dictionary<string, long>(StringComparer.Ordinal);

                while (await row.ReadAsync(CancellationToken.None))
                {
                    state ??= LogState.Of(row);
                    through = row.GetInt64(3);
                    span = row.GetInt64(4);

                    if (row.IsDBNull(5))
                        continue;

                    tooMany |= ++rows == MostRows || ++ofRange[row.GetInt64(5) - 1] == mostOfRange;
                    var topic = row.GetString(6);
                    if (row.GetInt64(8) > after && filter.MatchesTopic(topic))
                        topics.TryAdd(topic, Math.Max(after, row.GetInt64(7) - 1));
                }

                return new TopicListing(state!, through, span, tooMany || topics.Count > MostTopics ? null : topics);
            },
            cancellationToken
        );
    }

    /// <summary>Returns the range of topics (<c>Low</c> included, <c>High</c> not, compared by bytes) that begin with
    /// the pattern's tokens before its first wildcard.</summary>
    private static (string Low, string High) Range(string pattern)
    {
        var wild = pattern.AsSpan().IndexOfAny('*', '>');
        return wild switch
        {
            < 0 => (pattern, pattern + "\u0001"),
            0 => ("", "~"), // greater than every character of a topic
            _ => (pattern[..wild], pattern[..(wild - 1)] + "/"), // the character that follows the dot in ASCII
        };
    }
}
