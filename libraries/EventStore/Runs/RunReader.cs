using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace EventStore;

/// <summary>
/// Reads the events of a run: its stream (the topic) and its log (<c>topic.log</c>). A read is bounded in bytes and
/// rows and hands its events over one by one, so that it costs what it returns, however long the run. Thread-safe.
/// </summary>
public sealed class RunReader([FromKeyedServices(StorePool.Reads)] NpgsqlDataSource store)
{
    /// <summary>Most events of one read: even of tiny ones a read looks at no more.</summary>
    private const int MaxRows = 20_000;

    private const string Columns = "position, topic, type, key, data, time";

    private static readonly string FromTheStart = Sql("asc"),
        FromTheEnd = Sql("desc"),
        Asked = Sql("desc", "and type in ('content', 'message_end')", "and position <= $5");

    /// <summary>Reads the oldest events of a run, in their order.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<RunExtent> ReadOldestAsync(
        string topic,
        long maxBytes,
        Action<RunEntry> take,
        CancellationToken cancellationToken
    ) => ReadAsync(FromTheStart, topic, maxBytes, 0, take, cancellationToken);

    /// <summary>Reads the newest events of a run, in their order.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<RunExtent> ReadNewestAsync(
        string topic,
        long maxBytes,
        Action<RunEntry> take,
        CancellationToken cancellationToken
    ) => ReadAsync(FromTheEnd, topic, maxBytes, 0, take, cancellationToken);

    /// <summary>
    /// Reads the newest messages and answers of a session up to and with the message at a position, in their order;
    /// that message always.
    /// </summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<RunExtent> ReadConversationAsync(
        string topic,
        long message,
        long maxBytes,
        Action<RunEntry> take,
        CancellationToken cancellationToken
    ) => ReadAsync(Asked, topic, maxBytes, message, take, cancellationToken);

    /// <summary>The first event of a run's log, its announcement; null where there is no such run.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<RunEntry?> AnnouncementAsync(string topic, CancellationToken cancellationToken) =>
        OneAsync(
            $"select {Columns} from eventstore.events where topic = $1 || '.log' order by position limit 1",
            topic,
            cancellationToken
        );

    /// <summary>The newest event of a run's stream; null where there is none.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<RunEntry?> LastAsync(string topic, CancellationToken cancellationToken) =>
        OneAsync(
            $"select {Columns} from eventstore.events where topic = $1 order by position desc limit 1",
            topic,
            cancellationToken
        );

    /// <summary>
    /// The first message of a session that has no answer yet; null where all have one. Messages are answered in their
    /// order, so it is the one after the message that was answered last, whose key is that of the last
    /// <c>message_end</c>.
    /// </summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<RunEntry?> PendingAsync(string topic, CancellationToken cancellationToken) =>
        OneAsync(
            $"""
            select {Columns} from eventstore.events
            where topic = $1 || '.log' and type = 'message' and position > coalesce((
                select m.position from eventstore.events m
                where m.topic = $1 || '.log' and m.type = 'message'
                    and m.key = (
                        select a.key from eventstore.events a
                        where a.topic = $1 and a.type = 'message_end' and a.key is not null order by a.position desc limit 1)
                order by m.position desc limit 1), 0)
            order by position limit 1
            """,
            topic,
            cancellationToken
        );

    /// <summary>Whether a run has a writer.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<bool> GoesOnAsync(string topic, CancellationToken cancellationToken) =>
        store.AskAsync(
            "select exists (select from eventstore.runs where run = $1)",
            async command =>
            {
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = topic });
                return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
            }
        );

    /// <summary>
    /// Events of stream and log from one end, while their data sum up to no more than so many bytes, and what is known
    /// of the run beside.
    /// </summary>
    private static string Sql(string direction, string ofStream = "", string ofLog = "") =>
        $"""
            with run as materialized (
                select eventstore.epoch() as epoch, exists (select from eventstore.runs where run = $1) as goes_on,
                    least((select min(position) from eventstore.events where topic = $1),
                        (select min(position) from eventstore.events where topic = $2)) as first,
                    greatest((select max(position) from eventstore.events where topic = $1),
                        (select max(position) from eventstore.events where topic = $2)) as last
            ), near as (
                (select {Columns} from eventstore.events where topic = $1 {ofStream} order by position {direction} limit $4)
                union all
                (select {Columns} from eventstore.events where topic = $2 {ofLog} order by position {direction} limit $4)
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
        store.AskAsync<RunEntry?>(
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

/// <summary>One stored event of a run; <see cref="OfLog"/> where readers of its stream do not get it.</summary>
public sealed record RunEntry(long Position, bool OfLog, string Type, string? Key, string Data, DateTimeOffset Time);

/// <summary>A run as of one snapshot, and how much of it was read.</summary>
/// <param name="Epoch">The epoch that the positions belong to.</param>
/// <param name="GoesOn">It has a writer.</param>
/// <param name="From">Position of the first event that was read; 0: there is no such run.</param>
/// <param name="Through">Position of the last event that was read.</param>
/// <param name="IsWhole">Nothing was left out.</param>
public readonly record struct RunExtent(string Epoch, bool GoesOn, long From, long Through, bool IsWhole);
