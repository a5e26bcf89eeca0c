using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>
/// Reads the log in position order. Thread-safe. The cost of a read does not depend on the log's length or the number
/// of patterns: a page may be empty before the head, and the caller reads on (docs/decisions/0016).
/// </summary>
internal sealed class EventReader(NpgsqlDataSource store, IOptions<EventStoreOptions> options) : ILogReader
{
    /// <summary>Maximum searches of <see cref="ReadNewestAsync"/>. One is not enough if most events found have a newer
    /// event of the same key.</summary>
    private const int SearchesForNewest = 3;

    /// <summary>The log's state and an event's columns, as <see cref="RecordsAsync"/> reads them.</summary>
    private const string Columns =
        $"{LogState.Columns}, e.position, e.id, e.topic, e.type, e.key, e.data, e.time, e.traceparent";

    /// <inheritdoc/>
    public async Task<LogPage> ReadAsync(
        long after,
        EventFilter? filter = null,
        int? limit = null,
        int mostData = int.MaxValue,
        int? mostBytes = null,
        CancellationToken cancellationToken = default
    )
    {
        var most = limit ?? options.Value.PageEvents;
        var bytes = mostBytes ?? options.Value.MaxBatchBytes;
        if (filter is null || filter.IsAll)
            return await ReadAllAsync(after, most, bytes, mostData, cancellationToken);
        var found = await Search(filter).AfterAsync(after, most, cancellationToken);
        var (page, through) = Fitting(found.Events, found.Through, bytes);
        return await FetchAsync(found, page, after, through, mostData, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<NewestPage> ReadNewestAsync(
        long after,
        EventFilter? filter = null,
        int? mostBytes = null,
        long? through = null,
        CancellationToken cancellationToken = default
    )
    {
        var search = Search(filter ?? EventFilter.All);
        var found = await search.AfterAsync(after, options.Value.SearchRows, cancellationToken);
        var matches = new List<FoundEvent>(found.Events);
        var end = through ?? long.MaxValue;

        var inVain = found.InVain;

        // Only a new part has a maximum of searches. The rest of an earlier part ends where that part did.
        for (var i = 1; found.Through < Math.Min(found.Store.Head, end); i++)
        {
            if (through is null && i == SearchesForNewest)
                break;

            var more = await search.AfterAsync(found.Through, options.Value.SearchRows, cancellationToken);
            if (more.Store.Epoch != found.Store.Epoch)
                break;

            matches.AddRange(more.Events);
            inVain += more.InVain;
            found = more;
        }

        matches.RemoveAll(e => e.Position > end);
        end = Math.Min(end, found.Through);
        var newest = new Dictionary<string, long>(StringComparer.Ordinal);

        foreach (var match in matches)
            newest[match.Key] = match.Position;

        SkippedRange? skipped = null;
        foreach (var match in matches)
            if (newest[match.Key] != match.Position)
                skipped = new SkippedRange(skipped?.From ?? match.Position, match.Position, (skipped?.Count ?? 0) + 1);

        var kept = matches.FindAll(e => newest[e.Key] == e.Position);
        var most = options.Value.PageEvents;
        var (page, last) = Fitting(
            kept.Count > most ? kept[..most] : kept,
            kept.Count > most ? kept[most - 1].Position : end,
            mostBytes ?? options.Value.MaxBatchBytes
        );
        inVain += matches.Count - kept.Count;
        found = found with { Events = kept, InVain = inVain };

        var read = await FetchAsync(found, page, after, last, int.MaxValue, cancellationToken);
        return read.Epoch == found.Store.Epoch
            ? new NewestPage(read, skipped, end)
            : new NewestPage(read, null, read.Through);
    }

    /// <inheritdoc/>
    public async Task<LogPage> HeadAsync(CancellationToken cancellationToken = default)
    {
        var state = await StateAsync(cancellationToken);
        return new LogPage(state.Epoch, state.Head, state.DroppedThrough, [], state.Head);
    }

    /// <summary>Reads a topic's events after a position, up to the newest one.</summary>
    public async IAsyncEnumerable<EventRecord> ReadTopicAsync(
        string topic,
        long after,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var filter = EventFilter.Of([topic], [], []);
        var head = long.MaxValue;

        while (after < head)
        {
            var page = await ReadAsync(after, filter, cancellationToken: cancellationToken);
            head = Math.Min(head, page.Head);
            foreach (var record in page.Events)
                if (record.Position <= head)
                    yield return record;
            after = page.Through;
        }
    }

    private EventSearch Search(EventFilter filter) => new(store, filter, options.Value.SearchRows);

    private Task<LogPage> ReadAllAsync(
        long after,
        int most,
        int mostBytes,
        int mostData,
        CancellationToken cancellationToken
    ) =>
        store.ReadAsync(
            $"""
            {LogState.Sql}
            select {Columns}
            from state left join (
                select *,
                    sum(coalesce(octet_length(data), 0)) over (order by position) - coalesce(octet_length(data), 0)
                        as bytes_before
                from (
                    select position, id, topic, type, key,
                        case when octet_length(data) <= $4 then data end as data, time, traceparent
                    from eventstore.events where position > $1 order by position limit $2
                ) page
            ) e on e.bytes_before < $3
            order by e.position
            """,
            async command =>
            {
                command.With(after).With(most).With((long)mostBytes).With(mostData);
                var (state, events) = await RecordsAsync(command);

                // A page that was cut, by its events or by its bytes, ends at its last event.
                var cut = events.Count == most || events.Sum(e => (long)e.Data.Length) >= mostBytes;
                return new LogPage(
                    state.Epoch,
                    state.Head,
                    state.DroppedThrough,
                    events,
                    cut ? events[^1].Position : Math.Max(after, state.Head)
                );
            },
            cancellationToken
        );

    private async Task<LogPage> FetchAsync(
        SearchedPage found,
        IReadOnlyList<FoundEvent> page,
        long after,
        long through,
        int mostData,
        CancellationToken cancellationToken
    )
    {
        var at = found.Store;
        var state = at;
        var events = new List<EventRecord>();

        if (page.Count > 0)
            (state, events) = await FetchAsync(page, mostData, cancellationToken);
        else if (!found.IsOneSnapshot)
            state = await StateAsync(cancellationToken);

        // The epoch has changed since the search: the positions found may name other events now. The caller reads on
        // from where it was.
        if (state.Epoch != at.Epoch)
            return new LogPage(state.Epoch, state.Head, state.DroppedThrough, [], after);

        return new LogPage(at.Epoch, at.Head, state.DroppedThrough, events, through, found.IsSearch);
    }

    private Task<(LogState State, List<EventRecord> Events)> FetchAsync(
        IReadOnlyList<FoundEvent> page,
        int mostData,
        CancellationToken cancellationToken
    ) =>
        store.ReadAsync(
            $"""
            {LogState.Sql}
            select {Columns}
            from state left join (
                select position, id, topic, type, key,
                    case when octet_length(data) <= $2 then data end as data, time, traceparent
                from unnest($1::bigint[]) as wanted(position) join eventstore.events using (position)
            ) e on true
            order by e.position
            """,
            command => RecordsAsync(command.With(page.Select(e => e.Position).ToArray()).With(mostData)),
            cancellationToken
        );

    private Task<LogState> StateAsync(CancellationToken cancellationToken) =>
        store.ReadAsync(
            $"{LogState.Sql} select {LogState.Columns} from state",
            command => command.RowAsync(LogState.Of),
            cancellationToken
        );

    private static async Task<(LogState State, List<EventRecord> Events)> RecordsAsync(NpgsqlCommand command)
    {
        await using var row = await command.ExecuteReaderAsync();
        var state = default(LogState);
        var events = new List<EventRecord>();

        while (await row.ReadAsync())
        {
            state ??= LogState.Of(row);
            if (!row.IsDBNull(3))
                events.Add(Record(row, state.Epoch));
        }

        return (state!, events);
    }

    private static EventRecord Record(NpgsqlDataReader row, string epoch) =>
        new()
        {
            At = new StreamPosition(epoch, row.GetInt64(3)),
            Id = row.GetGuid(4),
            Topic = row.GetString(5),
            Type = row.GetString(6),
            Key = row.TextOrNull(7),
            Data = row.IsDBNull(8) ? default(ReadOnlyMemory<byte>) : row.GetFieldValue<byte[]>(8),
            Time = row.GetFieldValue<DateTimeOffset>(9),
            TraceParent = row.TextOrNull(10),
        };

    /// <summary>Returns the first events that fit into a page's bytes, at least one, and the position up to which they
    /// are complete.</summary>
    private static (IReadOnlyList<FoundEvent> Page, long Through) Fitting(
        IReadOnlyList<FoundEvent> found,
        long through,
        long mostBytes
    )
    {
        for (var (index, bytes) = (0, 0L); index < found.Count; index++)
        {
            if (index > 0 && bytes >= mostBytes)
                return ([.. found.Take(index)], found[index - 1].Position);
            bytes += found[index].Bytes;
        }
        return (found, through);
    }
}
