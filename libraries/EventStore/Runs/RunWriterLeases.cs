using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>Leases of the processes that write runs, one per process, by Postgres's clock. Thread-safe. Every method
/// throws <see cref="NpgsqlException"/> or <see cref="TimeoutException"/> while Postgres does not answer.</summary>
internal sealed class RunWriterLeases(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    StoreListener listener,
    IOptions<EventStoreOptions> options
)
{
    /// <summary>Creates a writer with a lease.</summary>
    public Task EnterAsync(Guid writer, string replica, TimeSpan lease, CancellationToken cancellationToken) =>
        store.RunAsync(
            "insert into eventstore.run_writers values ($1, $2, clock_timestamp() + $3)",
            command => command.With(writer).With(replica).With(lease).ExecuteNonQueryAsync(),
            cancellationToken
        );

    /// <summary>Renews a lease, and waits for half a lease at most, which leaves time for another try.</summary>
    /// <returns>The writer's cancelled runs, or null if another process has swept the writer and ended its
    /// runs.</returns>
    public Task<IReadOnlyList<string>?> RenewAsync(Guid writer, TimeSpan lease, CancellationToken cancellationToken) =>
        store.RunAsync<IReadOnlyList<string>?>(
            """
            with mine as (
                update eventstore.run_writers set expires_at = clock_timestamp() + $2 where id = $1 returning id
            )
            select exists (select from mine), array(select run from eventstore.runs where writer = $1 and cancelled)
            """,
            command =>
                command
                    .With(writer)
                    .With(lease)
                    .RowAsync<IReadOnlyList<string>?>(row => row.GetBoolean(0) ? row.GetFieldValue<string[]>(1) : null),
            TimeSpan.FromSeconds(Math.Min(lease.TotalSeconds / 2, options.Value.CommandTimeoutSeconds)),
            cancellationToken
        );

    /// <summary>Lets a writer's lease expire now, so that other processes end its runs at once.</summary>
    public Task ExpireAsync(Guid writer, CancellationToken cancellationToken) =>
        store.RunAsync(
            "update eventstore.run_writers set expires_at = clock_timestamp() where id = $1",
            command => command.With(writer).ExecuteNonQueryAsync(),
            cancellationToken
        );

    /// <summary>Ends the runs of other, expired writers by their closing events, and returns the topics.</summary>
    public Task<IReadOnlyList<string>> SweepAsync(Guid writer, CancellationToken cancellationToken) =>
        store.RunAsync<IReadOnlyList<string>>(
            "select eventstore.sweep_runs($1)",
            async command => await command.With(writer).ExecuteScalarAsync() as string[] ?? [],
            cancellationToken
        );

    /// <summary>Gives a writer the runs that no process works on and that these handlers can continue, and returns
    /// their topics.</summary>
    public Task<IReadOnlyList<string>> TakeOverAsync(
        Guid writer,
        string[] handlers,
        CancellationToken cancellationToken
    ) =>
        store.RunAsync<IReadOnlyList<string>>(
            "select eventstore.take_over_runs($1, $2)",
            async command => await command.With(writer).With(handlers).ExecuteScalarAsync() as string[] ?? [],
            cancellationToken
        );

    /// <summary>Returns the work that a writer must start for those of its runs that have a handler.</summary>
    public Task<IReadOnlyList<HandledRun>> HandledAsync(
        Guid writer,
        string[] topics,
        CancellationToken cancellationToken
    ) =>
        store.RunAsync<IReadOnlyList<HandledRun>>(
            """
            select run, handler, input, attempts, attempt, cancelled, coalesce((
                select e.position from eventstore.events_of(run) e order by e.topic desc, e.position desc limit 1), 0)
            from eventstore.runs where writer = $1 and run = any ($2) and handler is not null
            """,
            command =>
                command
                    .With(writer)
                    .With(topics)
                    .RowsAsync(row => new HandledRun(
                        row.GetString(0),
                        new HandledWork(row.GetString(1), row.GetString(2), row.GetInt32(3)),
                        row.GetInt32(4),
                        row.GetBoolean(5),
                        row.GetInt64(6)
                    )),
            cancellationToken
        );

    /// <summary>Returns the topics of a writer's runs that began longer ago than <paramref name="age"/>.</summary>
    public Task<IReadOnlyList<string>> OlderThanAsync(Guid writer, TimeSpan age, CancellationToken cancellationToken) =>
        store.RunAsync<IReadOnlyList<string>>(
            "select array(select run from eventstore.runs where writer = $1 and started_at < clock_timestamp() - $2)",
            async command => (string[])(await command.With(writer).With(age).ExecuteScalarAsync())!,
            cancellationToken
        );

    /// <summary>Ends, with their closing events, runs of a living writer that began longer ago than
    /// <paramref name="age"/> and that it does not work on. Frees the idempotency keys of those that were not announced
    /// before they began, and returns the topics.</summary>
    public Task<IReadOnlyList<string>> AbandonAsync(
        string[] topics,
        Guid writer,
        TimeSpan age,
        CancellationToken cancellationToken
    ) =>
        store.RunAsync<IReadOnlyList<string>>(
            "select eventstore.abandon_runs($1, $2, $3)",
            async command => await command.With(topics).With(writer).With(age).ExecuteScalarAsync() as string[] ?? [],
            cancellationToken
        );

    /// <summary>Calls <paramref name="cancelled"/> with each cancelled run's topic until the result is
    /// disposed.</summary>
    public IDisposable Listen(Action<string> cancelled) => listener.Listen("eventstore_runs", () => { }, cancelled);
}
