using System.Text;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace EventStore;

/// <summary>Reads the log in position order. Thread-safe.</summary>
public sealed class EventReader(NpgsqlDataSource store, IOptions<EventStoreOptions> options)
{
    /// <summary>Positions that one page looks at, so that a filter which matches little cannot make one read long.</summary>
    private const long Window = 200_000;

    /// <summary>The last position that a window can begin after.</summary>
    private const long LastWindow = long.MaxValue - Window;

    /// <summary>
    /// The matching events after <paramref name="after"/>, up to a page. Reads on from <see cref="EventPage.Through"/> until that is the
    /// head. Epoch, head and events are of one snapshot.
    /// </summary>
    /// <param name="after">The last position that the caller has.</param>
    /// <param name="filter">Which events; null: all.</param>
    /// <param name="limit">Most events; null: a page.</param>
    /// <param name="mostData">Of an event with more bytes of data than this the data are left out, and empty.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<EventPage> ReadAsync(long after, EventFilter? filter = null, int? limit = null, int mostData = int.MaxValue, CancellationToken cancellationToken = default)
    {
        var most = limit ?? options.Value.PageEvents;
        after = Math.Min(after, LastWindow);
        return store.AskAsync<EventPage>(null, async command =>
        {
            var p = command.Parameters;
            p.Add(new NpgsqlParameter<long> { TypedValue = after });
            p.Add(new NpgsqlParameter<int> { TypedValue = most });
            p.Add(new NpgsqlParameter<long> { TypedValue = options.Value.MaxBatchBytes });
            p.Add(new NpgsqlParameter<int> { TypedValue = mostData });
            // Materialized: as a plain subquery its two functions would run again for each event of the page.
            command.CommandText = $"""
                with b as materialized (select eventstore.epoch() as epoch, eventstore.head() as head, dropped_through from eventstore.store)
                select b.epoch, b.head, b.dropped_through, e.position, e.id, e.topic, e.type, e.key, e.data, e.time, e.traceparent
                from b
                left join (
                    select *, sum(coalesce(octet_length(data), 0)) over (order by position) - coalesce(octet_length(data), 0) as bytes_before
                    from (select position, id, topic, type, key, case when octet_length(data) <= $4 then data end as data, time, traceparent from eventstore.events where position > $1 and position <= $1 + {Window} {Where(filter, p)} order by position limit $2) page
                ) e on e.bytes_before < $3
                order by e.position
                """;
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var events = new List<EventRecord>();
            string epoch = "";
            long head = 0, dropped = 0;
            while (await reader.ReadAsync(cancellationToken))
            {
                if (epoch.Length == 0) { epoch = reader.GetString(0); head = reader.GetInt64(1); dropped = reader.GetInt64(2); }
                if (!reader.IsDBNull(3)) events.Add(Record(reader));
            }
            // Fewer than the limit may also mean that the page was cut by its bytes: then, too, go on from its last event.
            var cut = events.Count == most || events.Sum(e => (long)e.Data.Length) >= options.Value.MaxBatchBytes;
            var through = cut ? events[^1].Position : Math.Max(after, Math.Min(head, after + Window));
            return new EventPage(epoch, head, dropped, events, through);
        });
    }

    /// <summary>
    /// Of the matching events after <paramref name="after"/> only the newest of each key (of each topic, without keys), and what that leaves out. Where there
    /// are more positions than one read looks at, the newest of the first of those; with more keys than a page has places, those whose newest is oldest:
    /// read on from <see cref="EventPage.Through"/>.
    /// </summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<(EventPage Page, SkippedRange? Skipped)> ReadNewestAsync(long after, EventFilter? filter = null, CancellationToken cancellationToken = default)
    {
        after = Math.Min(after, LastWindow);
        return store.AskAsync<(EventPage Page, SkippedRange? Skipped)>(null, async command =>
        {
            var p = command.Parameters;
            p.Add(new NpgsqlParameter<long> { TypedValue = after });
            p.Add(new NpgsqlParameter<int> { TypedValue = options.Value.PageEvents });
            p.Add(new NpgsqlParameter<long> { TypedValue = options.Value.MaxBatchBytes });
            command.CommandText = $"""
                with matching as materialized (
                    select position, octet_length(data) as bytes, max(position) over (partition by coalesce(key, topic)) as newest
                    from eventstore.events where position > $1 and position <= $1 + {Window} {Where(filter, p)}),
                kept as materialized (
                    select position from (select position, sum(bytes) over (order by position) - bytes as bytes_before from matching where position = newest order by position limit $2) k
                    where bytes_before < $3),
                page as (
                    select epoch, head, dropped_through, case when exists (select from matching where position = newest and position > last) then last else greatest($1, least(head, $1 + {Window})) end as through
                    from (select eventstore.epoch() as epoch, eventstore.head() as head, dropped_through from eventstore.store) b,
                         (select max(position) as last from kept) k)
                select b.epoch, b.head, b.dropped_through, e.position, e.id, e.topic, e.type, e.key, e.data, e.time, e.traceparent, b.through, s.first, s.last, s.count
                from page b
                cross join lateral (select min(position) as first, max(position) as last, count(*) as count from matching where position <> newest and position <= b.through) s
                left join (select e.* from eventstore.events e join kept using (position)) e on true
                order by e.position
                """;
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var events = new List<EventRecord>();
            var page = new EventPage("", 0, 0, events, after);
            SkippedRange? skipped = null;
            while (await reader.ReadAsync(cancellationToken))
            {
                page = page with { Epoch = reader.GetString(0), Head = reader.GetInt64(1), DroppedThrough = reader.GetInt64(2), Through = reader.GetInt64(11) };
                if (!reader.IsDBNull(12)) skipped = new SkippedRange(reader.GetInt64(12), reader.GetInt64(13), reader.GetInt64(14));
                if (!reader.IsDBNull(3)) events.Add(Record(reader));
            }
            return (page, skipped);
        });
    }

    /// <summary>Epoch and head, without events.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<EventPage> HeadAsync(CancellationToken cancellationToken = default) => ReadAsync(LastWindow, limit: 1, cancellationToken: cancellationToken);

    private static EventRecord Record(NpgsqlDataReader row) => new(
        row.GetInt64(3), row.GetGuid(4), row.GetString(5), row.GetString(6), row.IsDBNull(7) ? null : row.GetString(7),
        row.IsDBNull(8) ? default(ReadOnlyMemory<byte>) : row.GetFieldValue<byte[]>(8), row.GetFieldValue<DateTimeOffset>(9), row.IsDBNull(10) ? null : row.GetString(10));

    private static string Where(EventFilter? filter, NpgsqlParameterCollection parameters)
    {
        if (filter is null) return "";
        var where = new StringBuilder();
        var exact = filter.Topics.Where(t => !TopicPattern.IsPattern(t)).ToArray();
        var patterns = filter.Topics.Where(TopicPattern.IsPattern).Select(TopicPattern.ToRegex).ToArray();
        if (filter.Topics.Count > 0)
        {
            where.Append(" and (false");
            if (exact.Length > 0) where.Append($" or topic = any({Add(exact)})");
            if (patterns.Length > 0) where.Append($" or topic ~ any({Add(patterns)})");
            where.Append(')');
        }
        if (filter.Types.Count > 0) where.Append($" and type = any({Add([.. filter.Types])})");
        if (filter.Keys.Count > 0) where.Append($" and key = any({Add([.. filter.Keys])})");
        return where.ToString();

        string Add(string[] values)
        {
            parameters.Add(new NpgsqlParameter<string[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
            return $"${parameters.Count}";
        }
    }
}
