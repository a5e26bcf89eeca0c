using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using NpgsqlTypes;

namespace EventStore;

/// <summary>Begins, cancels, finds and reads runs: topics that one writer writes from a beginning to an end.
/// Thread-safe. Every method throws <see cref="StoreUnavailableException"/> while Postgres does not answer.</summary>
/// <remarks>The clients get a run's stream (the topic), but not its log (<c>topic.log</c>). Events are read one by one,
/// and bounded in bytes and rows.</remarks>
internal sealed class RunStore(
    [FromKeyedServices(StorePool.Work)] NpgsqlDataSource store,
    [FromKeyedServices(StorePool.Reads)] NpgsqlDataSource reads
)
{
    /// <summary>Type of the first event in a run's log.</summary>
    public const string Announcement = "announced";

    private const int MaxRows = 20_000;
    private const string Columns = "position, topic, type, key, data, time";

    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CancelPollInterval = TimeSpan.FromMilliseconds(20);

    private static readonly string Oldest = Sql("asc", always: "run.first");
    private static readonly string Newest = Sql("desc", always: "run.last");
    private static readonly string OfTypes = Sql("desc", always: "$5", "where type = any($6)", "where position <= $5");

    /// <summary>Begins a run and announces it in its log (<c>topic.log</c>), in one transaction.</summary>
    /// <param name="closingEvents">JSON array of the events that the store appends if the writer dies.</param>
    /// <param name="handled">The work that another process starts again if the writer dies, or null if there is
    /// none.</param>
    /// <returns>Null if the writer's lease has expired.</returns>
    public Task<RunBeginning?> BeginAnnouncedAsync(
        string topic,
        Guid writer,
        string closingEvents,
        string announcement,
        string? traceParent,
        HandledWork? handled = null
    ) =>
        store.AskAsync<RunBeginning?>(
            handled is null
                ? "select begun, announced_at, in_epoch from eventstore.begin_announced_run($1, $2, $3::jsonb, $4, $5)"
                : """
                select begun, announced_at, in_epoch
                from eventstore.begin_handled_run($1, $2, $3::jsonb, $4, $5, $6, $7, $8)
                """,
            command =>
            {
                command.With(topic).With(writer).With(closingEvents).With(announcement).With(traceParent);
                if (handled is not null)
                    command.With(handled.Handler).With(handled.Input).With(handled.Attempts);

                return command.RowAsync<RunBeginning?>(row =>
                    row.IsDBNull(1)
                        ? null
                        : new RunBeginning(row.GetBoolean(0), new StreamPosition(row.GetString(2), row.GetInt64(1)))
                );
            }
        );

    /// <summary>Begins a part of a run that was announced before. Returns false if the run has a writer already.
    /// Returns null if the caller can try again: the caller's lease has expired, or the run has just ended.</summary>
    public Task<bool?> BeginAsync(string topic, Guid writer, string closingEvents) =>
        store.AskAsync(
            """
            select case
                when eventstore.begin_run($1, $2, $3::jsonb) then true
                when exists (select from eventstore.runs where run = $1) then false
            end
            """,
            async command => await command.With(topic).With(writer).With(closingEvents).ExecuteScalarAsync() as bool?
        );

    /// <summary>Lets a writer continue its run in a new epoch. Returns false if the writer no longer has the run, or if
    /// the log has lost the last event that it wrote and the closing events end the run.</summary>
    /// <param name="last">Id of the last event that the writer knows to be stored, or null before the first.</param>
    /// <param name="known">Position of that event, or of an earlier one: the log is searched from there on.</param>
    public Task<bool> ConfirmAsync(string topic, Guid writer, Guid? last, long known = 0) =>
        store.AskAsync<bool>(
            "select eventstore.confirm_run($1, $2, $3, $4)",
            async command =>
            {
                command.With(topic).With(writer);
                command.Parameters.Add(
                    new NpgsqlParameter { Value = (object?)last ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
                );
                command.With(known);
                return (bool)(await command.ExecuteScalarAsync())!;
            }
        );

    /// <summary>Asks a run's writer to stop, on whichever replica it is. Returns false if no such run is
    /// open.</summary>
    public Task<bool> CancelAsync(string topic, CancellationToken cancellationToken) =>
        store.ChangeAsync<bool>(
            "select eventstore.cancel_run($1)",
            async command => (bool)(await command.With(topic).ExecuteScalarAsync(CancellationToken.None))!,
            cancellationToken
        );

    /// <summary>Asks a run's writer to stop, like <see cref="CancelAsync"/>, and waits up to two seconds for the run's
    /// end.</summary>
    public async Task CancelAndWaitAsync(string topic, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (!await CancelAsync(topic, cancellationToken))
            return;

        var start = clock.GetTimestamp();
        while (await IsRunningAsync(topic, cancellationToken) && clock.GetElapsedTime(start) < CancelTimeout)
            await Task.Delay(CancelPollInterval, clock, cancellationToken);
    }

    /// <summary>Replaces a run's closing events. Returns false if the writer no longer has the run.</summary>
    /// <param name="closingEvents">See <see cref="BeginAnnouncedAsync"/>.</param>
    public Task<bool> CloseWithAsync(string topic, Guid writer, string closingEvents) =>
        store.AskAsync<bool>(
            "update eventstore.runs set will = $3::jsonb where run = $1 and writer = $2",
            async command => await command.With(topic).With(writer).With(closingEvents).ExecuteNonQueryAsync() > 0
        );

    /// <summary>Returns the runs of a kind that the newest 100 events of a log name in the member <c>run</c>, newest
    /// first, and for each whether it has a writer.</summary>
    public Task<IReadOnlyList<(string Id, bool IsRunning)>> NamedAsync(
        string log,
        string kind,
        CancellationToken cancellationToken
    ) =>
        store.ReadAsync<IReadOnlyList<(string Id, bool IsRunning)>>(
            """
            select n.id, exists (select from eventstore.runs where run = $2 || '.' || n.id) from (
                select data::jsonb ->> 'run' as id, topic, position from eventstore.events_of($1)
                order by topic desc, position desc limit 100) n
            order by n.topic desc, n.position desc
            """,
            command => command.With(log).With(kind).RowsAsync(row => (row.GetString(0), row.GetBoolean(1))),
            cancellationToken
        );

    /// <summary>Gives up a run without writing its end.</summary>
    public Task ReleaseAsync(string topic, Guid writer) =>
        store.AskAsync(
            "delete from eventstore.runs where run = $1 and writer = $2",
            command => command.With(topic).With(writer).ExecuteNonQueryAsync()
        );

    /// <summary>Gives a run without a writer to a new writer with an expired lease, so that another process sweeps the
    /// run.</summary>
    public Task HandOverAsync(string topic, string replica) =>
        store.AskAsync(
            """
            with expired as (
                insert into eventstore.run_writers values (gen_random_uuid(), $2, clock_timestamp()) returning id
            )
            insert into eventstore.runs (run, writer, will) select $1, id, '[]' from expired on conflict do nothing
            """,
            command => command.With(topic).With(replica).ExecuteNonQueryAsync()
        );

    /// <summary>Decides about an append of a run that got no answer. Returns false if the append is stored. If it
    /// returns true, the store refuses the append if it still arrives, so that its events can be appended again under
    /// other ids.</summary>
    /// <param name="first">Id of the append's first event.</param>
    /// <param name="known">Position of an earlier event: the append's events are looked for after it.</param>
    public Task<bool> RefuseAppendAsync(string topic, Guid first, long known = 0) =>
        store.AskAsync<bool>(
            "select eventstore.refuse_append($1, $2, $3)",
            async command => (bool)(await command.With(topic).With(first).With(known).ExecuteScalarAsync())!
        );

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

    /// <summary>Returns the start of a run's log, or null if there is no such run.</summary>
    public Task<LogStart?> LogStartAsync(string topic, CancellationToken cancellationToken) =>
        OneAsync(
            $"""
            select {Columns}, (select eventstore.epoch())
            from eventstore.events_of($1 || '.log') order by topic, position limit 1
            """,
            topic,
            (entry, row) => new LogStart(row.GetString(6), entry),
            cancellationToken
        );

    /// <summary>Returns the newest event of a run's stream, or null if it has none.</summary>
    public Task<RunEntry?> LastAsync(string topic, CancellationToken cancellationToken) =>
        OneAsync(
            $"select {Columns} from eventstore.events_of($1) order by topic desc, position desc limit 1",
            topic,
            (entry, _) => entry,
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
            (entry, _) => entry,
            cancellationToken,
            question,
            answer
        );

    /// <summary>Returns true if a run has a writer.</summary>
    public Task<bool> IsRunningAsync(string topic, CancellationToken cancellationToken) =>
        reads.ReadAsync(
            "select exists (select from eventstore.runs where run = $1)",
            async command => (bool)(await command.With(topic).ExecuteScalarAsync(CancellationToken.None))!,
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
        reads.AskAsync<RunExtent>(
            sql,
            async command =>
            {
                var log = topic + ".log";
                command.With(topic).With(log).With(maxBytes).With(MaxRows).With(always);
                if (types is not null)
                    command.With(types);

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

    private Task<T?> OneAsync<T>(
        string sql,
        string topic,
        Func<RunEntry, NpgsqlDataReader, T> take,
        CancellationToken cancellationToken,
        params string[] types
    )
        where T : class =>
        reads.ReadAsync(
            sql,
            async command =>
            {
                command.With(topic);
                foreach (var type in types)
                    command.With(type);
                await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
                return await row.ReadAsync(CancellationToken.None) ? take(Entry(row, topic + ".log"), row) : null;
            },
            cancellationToken
        );

    private static RunEntry Entry(NpgsqlDataReader row, string log) =>
        new(
            row.GetInt64(0),
            row.GetString(1) == log,
            row.GetString(2),
            row.TextOrNull(3),
            row.GetString(4),
            row.GetFieldValue<DateTimeOffset>(5)
        );
}

/// <summary>A run that was begun, and its announcement: a reader that starts after the announcement gets the whole
/// run.</summary>
/// <param name="IsNew">False if the run was announced before.</param>
internal readonly record struct RunBeginning(bool IsNew, StreamPosition Announced);

/// <summary>The oldest event of a run's log. A reader that starts after an announcement gets the whole run.</summary>
internal sealed record LogStart(string Epoch, RunEntry First)
{
    public StreamPosition At => new(Epoch, First.Position);

    /// <summary>False if retention has dropped the announcement, and perhaps more of the run.</summary>
    public bool IsAnnouncement => First.Type == RunStore.Announcement;

    /// <summary>The user whose request began the run. Null if the request was anonymous, and without the
    /// announcement.</summary>
    public string? Owner =>
        IsAnnouncement && JsonElement.Parse(First.Data).TryGetProperty("owner", out var owner)
            ? owner.GetString()
            : null;
}
