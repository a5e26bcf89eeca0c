using Npgsql;

namespace EventStore;

/// <summary>Finds the events that match a filter, without data, in a bounded number of rows. It probes topics of the
/// directory one by one; with too many topics, or after the directory's end, it scans the log
/// (docs/decisions/0016).</summary>
internal sealed class EventSearch(NpgsqlDataSource store, EventFilter filter, int rows)
{
    /// <summary>Maximum partitions of a search, and maximum of partitions times topics.</summary>
    private const int MostPartitions = 4,
        MostProbes = 512;

    /// <summary>Fewest rows of a topic in a round; topics with more rows share the rest in the next rounds.</summary>
    private const int LeastRows = 8;
    private const int Rounds = 3;

    /// <summary>Finds matching events after a position, in position order.</summary>
    public async Task<SearchedPage> AfterAsync(long after, int most, CancellationToken cancellationToken)
    {
        if (filter.HasAllTopics)
            return await ScanAsync(after, most, cancellationToken);

        var listing = await TopicListing.ReadAsync(store, filter, after, cancellationToken);
        if (listing.Through <= after || listing.Topics is not { } topics)
            return await ScanAsync(after, most, cancellationToken);
        if (topics.Count == 0)
            return new SearchedPage(listing.Store, [], listing.Through, InVain: 0, IsEnd: true);
        return await ProbeAsync(listing, topics, most, cancellationToken);
    }

    private async Task<SearchedPage> ScanAsync(long after, int most, CancellationToken cancellationToken) =>
        await store.AskAsync(
            $"""
            {LogState.Sql}
            select {LogState.Columns}, e.position, e.bytes, e.topic, e.type, e.key
            from state left join (
                select position, octet_length(data) as bytes, topic, type, key
                from eventstore.events where position > $1 order by position limit $2
            ) e on true
            order by e.position
            """,
            async command =>
            {
                command.With(after).With(rows);
                await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
                var found = new List<FoundEvent>();

                var state = default(LogState);
                var seen = 0;
                var last = after;

                while (await row.ReadAsync(CancellationToken.None))
                {
                    state ??= LogState.Of(row);
                    if (row.IsDBNull(3))
                        continue;

                    seen++;
                    last = row.GetInt64(3);
                    var topic = row.GetString(5);

                    var key = row.IsDBNull(7) ? null : row.GetString(7);
                    if (filter.MatchesTopic(topic) && filter.Passes(row.GetString(6), key))
                        found.Add(new FoundEvent(last, row.GetInt32(4), key ?? topic));
                }

                var isEnd = seen < rows;
                var through = isEnd ? Math.Max(after, state!.Head) : last;
                return Cut(new SearchedPage(state!, found, through, seen - found.Count, isEnd), most);
            },
            cancellationToken
        );

    private async Task<SearchedPage> ProbeAsync(
        TopicListing listing,
        IReadOnlyDictionary<string, long> topics,
        int most,
        CancellationToken cancellationToken
    )
    {
        var after = topics.Values.Min();
        // Later partitions are left to the next page: a rare topic would be looked for in all of them.
        var partitions = Math.Clamp(MostProbes / topics.Count, 1, MostPartitions);
        var through = Math.Min(
            listing.Through,
            ((after + 1) / listing.PartitionSpan + partitions) * listing.PartitionSpan - 1
        );

        var found = new List<FoundEvent>();
        var seen = 0;
        var probes = 0;
        var pending = topics.Where(t => t.Value < through).Select(t => (Topic: t.Key, After: t.Value)).ToArray();
        for (var round = 0; pending.Length > 0; round++)
        {
            var room = (filter.HasAllOfATopic ? Math.Min(rows, most) : rows) - seen;
            var rowsOfTopic = Math.Max(LeastRows, room / pending.Length);
            var (read, cut) = await ProbeAsync(pending, rowsOfTopic, through, found, cancellationToken);
            seen += read;
            probes += pending.Length * partitions;

            // If a topic has more rows than were read, the result has gaps after the last of those.
            var complete = cut.Length == 0 ? through : cut.Min(t => t.After);
            if (
                cut.Length == 0
                || round == Rounds - 1
                || seen >= rows
                || found.Count(e => e.Position <= complete) >= most
            )
            {
                through = complete;
                break;
            }

            pending = cut;
        }

        var inVain = probes + seen - found.Count;
        found.RemoveAll(e => e.Position > through);
        found.Sort((a, b) => a.Position.CompareTo(b.Position));

        var isEnd = through == listing.Through;
        return Cut(new SearchedPage(listing.Store, found, through, inVain, isEnd, IsOneSnapshot: false), most);
    }

    /// <summary>Reads the next rows of each topic. <c>Cut</c> has the topics that may have more rows, each with its
    /// last position read.</summary>
    private Task<(int Rows, (string Topic, long After)[] Cut)> ProbeAsync(
        (string Topic, long After)[] topics,
        int rowsOfTopic,
        long through,
        List<FoundEvent> found,
        CancellationToken cancellationToken
    ) =>
        store.AskAsync(
            """
            select t.number, e.position, e.bytes, e.type, e.key
            from unnest($1::text[], $2::bigint[]) with ordinality as t(topic, after, number) cross join lateral (
                select position, octet_length(data) as bytes, type, key from eventstore.events_of(t.topic, t.after, $4)
                where position > $3 and position <= $4 order by topic, position limit $5
            ) e
            """,
            async command =>
            {
                command.With(Array.ConvertAll(topics, t => t.Topic)).With(Array.ConvertAll(topics, t => t.After));
                // The lowest position lets Postgres skip partitions.
                command.With(topics.Min(t => t.After)).With(through).With(rowsOfTopic);

                await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
                var seen = 0;
                var ofTopic = new int[topics.Length];
                var last = new long[topics.Length];

                while (await row.ReadAsync(CancellationToken.None))
                {
                    seen++;
                    var number = row.GetInt64(0) - 1;
                    ofTopic[number]++;
                    last[number] = row.GetInt64(1);

                    var key = row.TextOrNull(4);
                    if (filter.Passes(row.GetString(3), key))
                        found.Add(new FoundEvent(last[number], row.GetInt32(2), key ?? topics[number].Topic));
                }

                return (
                    seen,
                    topics
                        .Select((t, i) => (t.Topic, After: last[i]))
                        .Where((_, i) => ofTopic[i] == rowsOfTopic)
                        .ToArray()
                );
            },
            cancellationToken
        );

    private static SearchedPage Cut(SearchedPage found, int most)
    {
        var events = found.Events;
        if (events.Count <= most)
            return found;

        return found with
        {
            Events = [.. events.Take(most)],
            Through = events[most - 1].Position,
            // Estimates the wasted rows before the cut, assuming equal distances.
            InVain = (int)((long)found.InVain * most / events.Count),
            IsEnd = false,
        };
    }
}

/// <summary>A matching event: its position, the size of its data, and its key, or its topic if it has no key.</summary>
internal readonly record struct FoundEvent(long Position, int Bytes, string Key);

/// <summary>The result of a search, in position order.</summary>
/// <param name="Through">The result has every match after the asked position and up to here.</param>
/// <param name="InVain">Rows that were read and do not match, and topics that were looked up in a partition.</param>
/// <param name="IsEnd">True if <paramref name="Through"/> is the head, or the end of the directory of topics.</param>
/// <param name="IsOneSnapshot">False if retention may have dropped events since <paramref name="Store"/>.</param>
internal sealed record SearchedPage(
    LogState Store,
    IReadOnlyList<FoundEvent> Events,
    long Through,
    int InVain,
    bool IsEnd,
    bool IsOneSnapshot = true
)
{
    /// <summary>A read that looked at more rows than this per event that it found is a search.</summary>
    private const int RowsPerEvent = 16;

    /// <summary>A read that found this many bytes is not a search: the reader's own speed limits it.</summary>
    private const int EnoughBytes = 64 * 1024;

    public bool IsSearch =>
        !IsEnd && InVain > RowsPerEvent * Events.Count && Events.Sum(static e => (long)e.Bytes) < EnoughBytes;
}
