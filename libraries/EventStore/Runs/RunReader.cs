using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace EventStore;

/// <summary>
/// Reads the events of a run: its stream (the topic) and its log (<c>topic.log</c>). Each read is bounded in bytes and
/// rows, whatever the length of the run, and hands its events over one by one. Thread-safe.
/// </summary>
public sealed class RunReader([FromKeyedServices(StorePool.Reads)] NpgsqlDataSource store)
{
    /// <summary>Maximum events of a read.</summary>
    private const int MaxRows = 20_000;

    private const string Columns = "position, topic, type, key, data, time";

    private static readonly string Oldest = Sql("asc"),
        Newest = Sql("desc"),
        Conversation = Sql("desc", "where type in ('content', 'message_end')", "where position <= $5");

    /// <summary>Reads the oldest events of a run, in position order.</summary>
    /// <param name="topic">The topic of the run.</param>
    /// <param name="maxBytes">Maximum bytes of data.</param>
    /// <param name="take">Called with each event.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<RunExtent> ReadOldestAsync(
        string topic,
        long maxBytes,
        Action<RunEntry> take,
        CancellationToken cancellationToken
    ) => ReadAsync(Oldest, topic, maxBytes, 0, take, cancellationToken);

    /// <summary>Reads the newest events of a run, in position order.</summary>
    /// <param name="topic">The topic of the run.</param>
    /// <param name="maxBytes">Maximum bytes of data.</param>
    /// <param name="take">Called with each event.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<RunExtent> ReadNewestAsync(
        string topic,
        long maxBytes,
        Action<RunEntry> take,
        CancellationToken cancellationToken
    ) => ReadAsync(Newest, topic, maxBytes, 0, take, cancellationToken);

    /// <summary>
    /// Reads the newest messages and answers of a session up to a message, in position order. The message itself is
    /// always read, whatever its size.
    /// </summary>
    /// <param name="topic">The topic of the run.</param>
    /// <param name="message">Position of the message.</param>
    /// <param name="maxBytes">Maximum bytes of data.</param>
    /// <param name="take">Called with each event.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<RunExtent> ReadConversationAsync(
        string topic,
        long message,
        long maxBytes,
        Action<RunEntry> take,
        CancellationToken cancellationToken
    ) => ReadAsync(Conversation, topic, maxBytes, message, take, cancellationToken);

    /// <summary>Returns the oldest event of a run's log, which is its announcement until retention drops it; null if
    /// there is no such run.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<RunEntry?> FirstOfLogAsync(string topic, CancellationToken cancellationToken) =>
        OneAsync(
            $"select {Columns} from eventstore.events_of($1 || '.log') order by topic, position limit 1",
            topic,
            cancellationToken
        );

    /// <summary>Returns the newest event of a run's stream; null if it has none.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<RunEntry?> LastAsync(string topic, CancellationToken cancellationToken) =>
        OneAsync(
            $"select {Columns} from eventstore.events_of($1) order by topic desc, position desc limit 1",
            topic,
            cancellationToken
        );

    /// <summary>
    /// Returns the first message of a session without an answer, without its data; null if all have one. Messages are
    /// answered in order, so it is the one after the message whose key the last <c>message_end</c> has.
    /// </summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<RunEntry?> PendingAsync(string topic, CancellationToken cancellationToken) =>
        OneAsync(
            """
            with answered as materialized (
                select coalesce((
                    select position from eventstore.events_of($1 || '.log')
                    where type = 'message' and key = (
                        select key from eventstore.events_of($1) where type = 'message_end' and key is not null
                        order by topic desc, position desc limit 1)
                    order by topic desc, position desc limit 1), 0) as through
            )
            select next.* from answered cross join lateral (
                select position, topic, type, key, '', time from eventstore.events_of($1 || '.log', answered.through)
                where type = 'message' order by topic, position limit 1) next
            """,
            topic,
            cancellationToken
        );

    /// <summary>Returns true if a run has a writer.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<bool> GoesOnAsync(string topic, CancellationToken cancellationToken) =>
        store.ReadAsync(
            "select exists (select from eventstore.runs where run = $1)",
            async command =>
            {
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = topic });
                return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
            }
        );

    /// <summary>
    /// Selects the events of stream and log from one end, while their data fit into <c>$3</c> bytes, and beside each
    /// the state of the run.
    /// </summary>
    private static string Sql(string direction, string ofStream = "", string ofLog = "") =>
        $"""
            with run as materialized (
                select eventstore.epoch() as epoch, exists (select from eventstore.runs where run = $1) as goes_on,
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
            select e.position, e.topic, e.type, e.key, e.data, e.time, run.epoch, run.goes_on, run.first, run.last
            from run left join counted e on e.bytes <= $3 or e.position = $5 order by e.position
            """;

    private Task<RunExtent> ReadAsync(
        string sql,
        string topic,
        long maxBytes,
        long always,
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
                await using var row = await command.ExecuteReaderAsync(cancellationToken);
                var (extent, from) = (default(RunExtent), 0L);
                while (await row.ReadAsync(cancellationToken))
                {
                    if (row.IsDBNull(0))
                        return new RunExtent(row.GetString(6), row.GetBoolean(7), 0, 0, IsWhole: true);
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
            }
        );

    private Task<RunEntry?> OneAsync(string sql, string topic, CancellationToken cancellationToken) =>
        store.ReadAsync<RunEntry?>(
            sql,
            async command =>
            {
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = topic });
                await using var row = await command.ExecuteReaderAsync(cancellationToken);
                return await row.ReadAsync(cancellationToken) ? Entry(row, topic + ".log") : null;
            }
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

/// <summary>A stored event of a run.</summary>
/// <param name="Position">Its place in the log.</param>
/// <param name="OfLog">True for an event of the run's log, which readers of its stream do not get.</param>
/// <param name="Type">Its type.</param>
/// <param name="Key">Its key; null without one.</param>
/// <param name="Data">Its data: one line of JSON.</param>
/// <param name="Time">When it was appended, by Postgres's clock (UTC).</param>
public sealed record RunEntry(long Position, bool OfLog, string Type, string? Key, string Data, DateTimeOffset Time);

/// <summary>A run in one snapshot, and the part of it that was read.</summary>
/// <param name="Epoch">The epoch that the positions belong to.</param>
/// <param name="GoesOn">True if the run has a writer.</param>
/// <param name="From">Position of the first event that was read; 0 if there is no such run.</param>
/// <param name="Through">Position of the last event that was read.</param>
/// <param name="IsWhole">True if nothing was left out.</param>
public readonly record struct RunExtent(string Epoch, bool GoesOn, long From, long Through, bool IsWhole);
