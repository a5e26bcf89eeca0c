using Npgsql;
using NpgsqlTypes;

namespace EventStore;

/// <summary>
/// Finds the events that a filter wants, without their data. A search looks at a bounded number of rows, whatever the
/// log's length and the
/// number of patterns, and says how far it came. Topics that the directory knows are looked up one by one; where a
/// pattern stands for too
/// many, or the directory is not that far yet, the next rows of the log are matched in this process.
/// </summary>
internal sealed class EventSearch
{
    /// <summary>Partitions, and partitions times topics, that one search looks into.</summary>
    private const int MostPartitions = 4,
        MostProbes = 512;

    /// <summary>Rows of a topic in the first round; topics that have more get the rest of the rows in the next
    /// ones.</summary>
    private const int LeastRows = 8;
    private const int Rounds = 3;

    private readonly NpgsqlDataSource _store;
    private readonly int _rows;
    private readonly EventFilter _filter;
    private readonly TopicPatternSet? _topics;
    private readonly HashSet<string>? _types,
        _keys;

    public EventSearch(NpgsqlDataSource store, EventFilter filter, int rows)
    {
        (_store, _filter, _rows) = (store, filter, rows);
        if (filter.Topics.Count > 0 && !filter.Topics.Contains(">"))
            _topics = new TopicPatternSet(filter.Topics);
        if (filter.Types.Count > 0)
            _types = [.. filter.Types];
        if (filter.Keys.Count > 0)
            _keys = [.. filter.Keys];
    }

    /// <summary>Finds what matches after a position, in position order.</summary>
    /// <param name="after">The last position that the caller has.</param>
    /// <param name="most">Matches that are enough.</param>
    /// <param name="cancellationToken">Cancels the search, in Postgres too.</param>
    public async Task<FoundEvents> AfterAsync(long after, int most, CancellationToken cancellationToken)
    {
        if (_topics is null)
            return await ScanAsync(after, most, cancellationToken);
        var listing = await TopicListing.ReadAsync(_store, _filter.Topics, _topics, after, cancellationToken);
        if (listing.Through <= after || listing.Topics is not { } topics)
            return await ScanAsync(after, most, cancellationToken);
        if (topics.Count == 0)
            return new FoundEvents(listing.Store, [], listing.Through);
        return await ProbeAsync(listing, topics, most, cancellationToken);
    }

    private async Task<FoundEvents> ScanAsync(long after, int most, CancellationToken cancellationToken) =>
        await _store.AskAsync(
            $"""
            {LogState.Sql}
            select {LogState.Columns}, e.position, e.bytes, e.topic, e.type, e.key
            from state left join (
                select position, octet_length(data) as bytes, topic, type, key from eventstore.events where position > $1 order by position limit $2
            ) e on true
            order by e.position
            """,
            async command =>
            {
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
                command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = _rows });
                await using var row = await command.ExecuteReaderAsync(cancellationToken);
                var found = new List<FoundEvent>();
                var (state, seen, last) = (default(LogState), 0, after);
                while (await row.ReadAsync(cancellationToken))
                {
                    state ??= LogState.Of(row);
                    if (row.IsDBNull(3))
                        continue;
                    seen++;
                    last = row.GetInt64(3);
                    var topic = row.GetString(5);
                    var key = row.IsDBNull(7) ? null : row.GetString(7);
                    if (_topics?.Matches(topic) != false && Passes(row.GetString(6), key))
                        found.Add(new FoundEvent(last, row.GetInt32(4), key ?? topic));
                }
                return Cut(state!, found, seen == _rows ? last : Math.Max(after, state!.Head), most);
            }
        );

    private async Task<FoundEvents> ProbeAsync(
        TopicListing listing,
        IReadOnlyDictionary<string, long> topics,
        int most,
        CancellationToken cancellationToken
    )
    {
        var after = topics.Values.Min();
        // Partitions beyond are left to the next page: a topic that has little would else be looked for in all of them.
        var partitions = Math.Clamp(MostProbes / topics.Count, 1, MostPartitions);
        var through = Math.Min(
            listing.Through,
            ((after + 1) / listing.PartitionSpan + partitions) * listing.PartitionSpan - 1
        );
        var (found, seen) = (new List<FoundEvent>(), 0);
        var pending = topics.Where(t => t.Value < through).Select(t => (Topic: t.Key, After: t.Value)).ToArray();
        for (var round = 0; pending.Length > 0; round++)
        {
            var room = (_types is null && _keys is null ? Math.Min(_rows, most) : _rows) - seen;
            var rowsOfTopic = Math.Max(LeastRows, room / pending.Length);
            var (rows, cut) = await ProbeAsync(pending, rowsOfTopic, through, found, cancellationToken);
            seen += rows;
            // Behind the last row of a topic that has more, other topics' rows are not the next ones.
            var complete = cut.Length == 0 ? through : cut.Min(t => t.After);
            if (
                cut.Length == 0
                || round == Rounds - 1
                || seen >= _rows
                || found.Count(e => e.Position <= complete) >= most
            )
            {
                through = complete;
                break;
            }
            pending = cut;
        }
        found.RemoveAll(e => e.Position > through);
        found.Sort((a, b) => a.Position.CompareTo(b.Position));
        return Cut(listing.Store, found, through, most) with { IsOneSnapshot = false };
    }

    /// <summary>Takes the next rows of each topic; tells how many it saw, and of which topics there may be more after
    /// which position.</summary>
    private Task<(int Rows, (string Topic, long After)[] Cut)> ProbeAsync(
        (string Topic, long After)[] topics,
        int rowsOfTopic,
        long through,
        List<FoundEvent> found,
        CancellationToken cancellationToken
    ) =>
        _store.AskAsync(
            """
            select t.number, e.position, e.bytes, e.type, e.key
            from unnest($1::text[], $2::bigint[]) with ordinality as t(topic, after, number) cross join lateral (
                select position, octet_length(data) as bytes, type, key from eventstore.events
                where topic = t.topic and position > t.after and position > $3 and position <= $4 order by position limit $5
            ) e
            """,
            async command =>
            {
                var p = command.Parameters;
                p.Add(
                    new NpgsqlParameter<string[]>
                    {
                        TypedValue = [.. topics.Select(t => t.Topic)],
                        NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
                    }
                );
                p.Add(new NpgsqlParameter<long[]> { TypedValue = [.. topics.Select(t => t.After)] });
                // lets Postgres leave out partitions
                p.Add(new NpgsqlParameter<long> { TypedValue = topics.Min(t => t.After) });
                p.Add(new NpgsqlParameter<long> { TypedValue = through });
                p.Add(new NpgsqlParameter<int> { TypedValue = rowsOfTopic });
                await using var row = await command.ExecuteReaderAsync(cancellationToken);
                var (seen, ofTopic, last) = (0, new int[topics.Length], new long[topics.Length]);
                while (await row.ReadAsync(cancellationToken))
                {
                    seen++;
                    var number = row.GetInt64(0) - 1;
                    ofTopic[number]++;
                    last[number] = row.GetInt64(1);
                    var key = row.IsDBNull(4) ? null : row.GetString(4);
                    if (Passes(row.GetString(3), key))
                        found.Add(new FoundEvent(last[number], row.GetInt32(2), key ?? topics[number].Topic));
                }
                return (
                    seen,
                    topics
                        .Select((t, i) => (t.Topic, After: last[i]))
                        .Where((_, i) => ofTopic[i] == rowsOfTopic)
                        .ToArray()
                );
            }
        );

    private bool Passes(string type, string? key) =>
        _types?.Contains(type) != false && (_keys is null || (key is not null && _keys.Contains(key)));

    private static FoundEvents Cut(LogState state, List<FoundEvent> found, long through, int most)
    {
        if (found.Count <= most)
            return new FoundEvents(state, found, through);
        return new FoundEvents(state, found[..most], found[most - 1].Position);
    }
}

/// <summary>One match.</summary>
/// <param name="Position">Its place in the log.</param>
/// <param name="Bytes">Size of its data.</param>
/// <param name="Key">Its key, else its topic.</param>
internal readonly record struct FoundEvent(long Position, int Bytes, string Key);

/// <summary>A search's result.</summary>
/// <param name="Store">The log when it was searched.</param>
/// <param name="Events">Matches in position order.</param>
/// <param name="Through">Every match up to here is among them.</param>
/// <param name="IsOneSnapshot">The events are of the snapshot that <paramref name="Store"/> describes; else retention
/// may have come between.</param>
internal sealed record FoundEvents(
    LogState Store,
    IReadOnlyList<FoundEvent> Events,
    long Through,
    bool IsOneSnapshot = true
);
