using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace EventStore;

/// <summary>Reads a run's stream (the topic) and log (<c>topic.log</c>), event by event and bounded in bytes and rows.
/// Thread-safe. Every method throws <see cref="StoreUnavailableException"/> while Postgres does not answer.</summary>
internal sealed class RunEventReader([FromKeyedServices(StorePool.Reads)] NpgsqlDataSource store)
{
    private const int MaxRows = 20_000;

    private const string Columns = "position, topic, type, key, data, time";

    private static readonly string Oldest = Sql("asc", always: "run.first");
    private static readonly string Newest = Sql("desc", always: "run.last");
    private static readonly string OfTypes = Sql("desc", always: "$5", "where type = any($6)", "where position <= $5");

    /// <summary>Reads the oldest events of a run, in position order. The first one may exceed the bytes.</summary>
    public Task<RunExtent> ReadOldestAsync(
        string topic,
        long maxBytes,
        Action<RunEntry> take,
        CancellationToken cancellationToken
    ) => ReadAsync(Oldest, topic, maxBytes, 0, types: null, take, cancellationToken);

    /// <summary>Reads the newest events of a run, in position order. The last one may exceed the bytes.</summary>
    public Task<RunExtent> ReadNewestAsync(
        string topic,
        long maxBytes,
        Action<RunEntry> take,
        CancellationToken cancellationToken
    ) => ReadAsync(Newest, topic, maxBytes, 0, types: null, take, cancellationToken);

    /// <summary>Reads the newest events of a run's stream that have certain types, and of its log up to a position, in
    /// position order. The event at that position is always read, whatever its size.</summary>
    public Task<RunExtent> ReadNewestAsync(
        string topic,
        string[] types,
        long logThrough,
        long maxBytes,
        Action<RunEntry> take,
        CancellationToken cancellationToken
    ) => ReadAsync(OfTypes, topic, maxBytes, logThrough, types, take, cancellationToken);

    /// <summary>Returns the oldest event of a run's log, which is its announcement until retention drops the
    /// announcement.</summary>
    public Task<RunEntry?> FirstOfLogAsync(string topic, CancellationToken cancellationToken) =>
        OneAsync(
            $"select {Columns} from eventstore.events_of($1 || '.log') order by topic, position limit 1",
            topic,
            cancellationToken
        );

    /// <summary>Returns the newest event of a run's stream, or null if it has none.</summary>
    public Task<RunEntry?> LastAsync(string topic, CancellationToken cancellationToken) =>
        OneAsync(
            $"select {Columns} from eventstore.events_of($1) order by topic desc, position desc limit 1",
            topic,
            cancellationToken
        );

    /// <summary>Returns a run's first question without an answer, but not the question's data. Questions are answered
    /// in order, so it follows the question whose key the last answer has.</summary>
    /// <param name="question">Type of the log's events that are answered.</param>
    /// <param name="answer">Type of the stream's events that end an answer, with the key of the question.</param>
    public Task<RunEntry?> FirstUnansweredAsync(
        string topic,
        string question,
        string answer,
        CancellationToken cancellationToken
    ) =>
        OneAsync(
            """
            with answered as materialized (
                select coalesce((
                    select position from eventstore.events_of($1 || '.log')
                    where type = $2 and key = (
                        select key from eventstore.events_of($1) where type = $3 and key is not null
                        order by topic desc, position desc limit 1)
                    order by topic desc, position desc limit 1), 0) as through
            )
            select next.* from answered cross join lateral (
                select position, topic, type, key, '', time from eventstore.events_of($1 || '.log', answered.through)
                where type = $2 order by topic, position limit 1) next
            """,
            topic,
            cancellationToken,
            question,
            answer
        );

    /// <summary>Returns true if a run has a writer.</summary>
    public Task<bool> IsRunningAsync(string topic, CancellationToken cancellationToken) =>
        store.ReadAsync(
            "select exists (select from eventstore.runs where run = $1)",
            async command =>
            {
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = topic });
                return (bool)(await command.ExecuteScalarAsync(CancellationToken.None))!;
            },
            cancellationToken
        );

    /// <summary>Returns SQL that selects events from one end of a run while their data fit into <c>$3</c> bytes, and
    /// the event at the position <paramref name="always"/> whatever its size. Each row also has the state of the
    /// run.</summary>
    private static string Sql(string direction, string always, string ofStream = "", string ofLog = "") =>
        $"""
            with run as materialized (
                select eventstore.epoch() as epoch, exists (select from eventstore.runs where run = $1) as is_running,
                    least((select position from eventstore.events_of($1) order by topic, position limit 1),
                        (select position from eventstore.events_of($2) order by topic, position limit 1)) as first,
                    greatest(
                        (select position from eventstore.events_of($1) order by topic desc, position desc limit 1),
                        (select position from eventstore.events_of($2) order by topic desc, position desc limit 1)
                    ) as last
            ), near as (
                (select {Columns} from eventstore.events_of($1) {ofStream}
                    order by topic {direction}, position {direction} limit $4)
                union all
                (select {Columns} from eventstore.events_of($2) {ofLog}
                    order by topic {direction}, position {direction} limit $4)
                order by position {direction} limit $4
            ), counted as (
                select *, sum(octet_length(data)) over (order by position {direction} rows unbounded preceding) as bytes
                from near
            )
            select e.position, e.topic, e.type, e.key, e.data, e.time, run.epoch, run.is_running, run.first, run.last
            from run left join counted e on e.bytes <= $3 or e.position = {always} order by e.position
            """;

    private Task<RunExtent> ReadAsync(
        string sql,
        string topic,
        long maxBytes,
        long always,
        string[]? types,
        Action<RunEntry> take,
        CancellationToken cancellationToken
    ) =>
        store.AskAsync<RunExtent>(
            sql,
            async command =>
            {
                var log = topic + ".log";
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = topic });
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = log });
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = maxBytes });
                command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = MaxRows });
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = always });

                if (types is not null)
                    command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = types });

                await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
                var extent = default(RunExtent);
                var from = 0L;

                while (await row.ReadAsync(CancellationToken.None))
                {
                    if (row.IsDBNull(0))
                        return new RunExtent(row.GetString(6), row.GetBoolean(7), 0, 0, IsWhole: row.IsDBNull(8));

                    var entry = Entry(row, log);

                    if (from == 0)
                        from = entry.Position;

                    extent = new RunExtent(
                        row.GetString(6),
                        row.GetBoolean(7),
                        from,
                        entry.Position,
                        IsWhole: from == row.GetInt64(8) && entry.Position == row.GetInt64(9)
                    );
                    take(entry);
                }

                return extent;
            },
            cancellationToken
        );

    private Task<RunEntry?> OneAsync(
        string sql,
        string topic,
        CancellationToken cancellationToken,
        params string[] types
    ) =>
        store.ReadAsync<RunEntry?>(
            sql,
            async command =>
            {
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = topic });
                foreach (var type in types)
                    command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = type });
                await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
                return await row.ReadAsync(CancellationToken.None) ? Entry(row, topic + ".log") : null;
            },
            cancellationToken
        );

    private static RunEntry Entry(NpgsqlDataReader row, string log) =>
        new(
            row.GetInt64(0),
            row.GetString(1) == log,
            row.GetString(2),
            row.IsDBNull(3) ? null : row.GetString(3),
            row.GetString(4),
            row.GetFieldValue<DateTimeOffset>(5)
        );
}
