using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using NpgsqlTypes;

namespace EventStore;

/// <summary>Begins, cancels and finds runs: topics that one writer writes from a beginning to an end. Thread-safe.
/// Every method throws <see cref="StoreUnavailableException"/> while Postgres does not answer.</summary>
internal sealed class RunStore([FromKeyedServices(StorePool.Work)] NpgsqlDataSource store)
{
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
            async command =>
            {
                command.With(topic).With(writer).With(closingEvents).With(announcement);
                command.Parameters.Add(
                    new NpgsqlParameter
                    {
                        Value = (object?)traceParent ?? DBNull.Value,
                        NpgsqlDbType = NpgsqlDbType.Text,
                    }
                );
                if (handled is not null)
                    command.With(handled.Handler).With(handled.Input).With(handled.Attempts);

                await using var row = await command.ExecuteReaderAsync();
                await row.ReadAsync();
                RunBeginning? beginning = row.IsDBNull(1)
                    ? null
                    : new RunBeginning(row.GetBoolean(0), new StreamPosition(row.GetString(2), row.GetInt64(1)));

                // The row arrives before the commit, which the end of the statement proves.
                while (await row.NextResultAsync()) { }

                return beginning;
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
            async command =>
            {
                await using var row = await command.With(log).With(kind).ExecuteReaderAsync(CancellationToken.None);
                var runs = new List<(string, bool)>();
                while (await row.ReadAsync(CancellationToken.None))
                    runs.Add((row.GetString(0), row.GetBoolean(1)));
                return runs;
            },
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

    /// <summary>Returns the start of a run's log, or null if there is no such run.</summary>
    public Task<LogStart?> LogStartAsync(string topic, CancellationToken cancellationToken) =>
        store.ReadAsync<LogStart?>(
            """
            select (select eventstore.epoch()), position, type = 'announced'
            from eventstore.events_of($1 || '.log') order by topic, position limit 1
            """,
            async command =>
            {
                await using var row = await command.With(topic).ExecuteReaderAsync(CancellationToken.None);
                return await row.ReadAsync(CancellationToken.None)
                    ? new LogStart(new StreamPosition(row.GetString(0), row.GetInt64(1)), row.GetBoolean(2))
                    : null;
            },
            cancellationToken
        );

    /// <summary>Returns the member <c>owner</c> of a run's announcement, or null without one.</summary>
    public Task<string?> OwnerAsync(string topic, CancellationToken cancellationToken) =>
        store.ReadAsync<string?>(
            """
            select case type when 'announced' then data end
            from eventstore.events_of($1 || '.log') order by topic, position limit 1
            """,
            // Parsed here: Postgres takes no text with a NUL, such as a model's name that a client has sent.
            async command =>
                await command.With(topic).ExecuteScalarAsync(CancellationToken.None) is string announcement
                && JsonElement.Parse(announcement).TryGetProperty("owner", out var owner)
                    ? owner.GetString()
                    : null,
            cancellationToken
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
}

/// <summary>A run that was begun, and its announcement: a reader that starts after the announcement gets the whole
/// run.</summary>
/// <param name="IsNew">False if the run was announced before.</param>
internal readonly record struct RunBeginning(bool IsNew, StreamPosition Announced);

/// <summary>The oldest event of a run's log. A reader that starts after an announcement gets the whole run.</summary>
/// <param name="IsAnnouncement">False if retention has dropped the announcement, and perhaps more of the run.</param>
internal readonly record struct LogStart(StreamPosition At, bool IsAnnouncement);
