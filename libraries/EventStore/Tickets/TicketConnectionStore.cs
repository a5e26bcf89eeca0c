using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace EventStore;

/// <summary>The connection of each ticket: the last opened one, on any replica. Thread-safe.</summary>
/// <remarks>Every method throws <see cref="NpgsqlException"/> or <see cref="TimeoutException"/> unless Postgres
/// answers.</remarks>
internal sealed class TicketConnectionStore([FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store)
{
    /// <summary>Reads Postgres's clock, which decides: the replicas' clocks may differ.</summary>
    /// <returns>The time, and the timestamps of <paramref name="clock"/> before and after it.</returns>
    public Task<(DateTimeOffset Now, long Asked, long Answered)> NowAsync(
        TimeProvider clock,
        CancellationToken cancellationToken
    ) =>
        store.RunAsync(
            "select clock_timestamp()",
            command =>
            {
                // The clock is read here, because the command may have waited for a connection.
                var asked = clock.GetTimestamp();
                // The type is named, because an application may read times as another type (UseNodaTime).
                return command.RowAsync(row => (row.GetFieldValue<DateTimeOffset>(0), asked, clock.GetTimestamp()));
            },
            cancellationToken
        );

    /// <summary>Records connections. A connection that was opened earlier than the stored one changes
    /// nothing.</summary>
    public Task NoteAsync(IEnumerable<TicketConnection> opened, CancellationToken cancellationToken)
    {
        // In one order, so that the statements of two replicas cannot deadlock.
        TicketConnection[] ordered = [.. opened.OrderBy(o => o.Ticket)];
        return store.RunAsync(
            """
            insert into eventstore.ticket_holders as h
            select ticket, connection, at, clock_timestamp() from unnest($1, $2, $3) as o(ticket, connection, at)
            on conflict (ticket) do update
            set connection = excluded.connection, opened_at = excluded.opened_at, told_at = excluded.told_at
            where excluded.opened_at > h.opened_at
            """,
            command =>
                command
                    .With(Array.ConvertAll(ordered, o => o.Ticket))
                    .With(Array.ConvertAll(ordered, o => o.Connection))
                    .With(Array.ConvertAll(ordered, o => o.At))
                    .ExecuteNonQueryAsync(),
            cancellationToken
        );
    }

    /// <summary>Reads connections noted after a time of Postgres's clock, or in the last 5 s, in the order of their
    /// noting.</summary>
    public Task<IReadOnlyList<(TicketConnection Connection, DateTimeOffset NotedAt)>> NotedAfterAsync(
        DateTimeOffset time,
        CancellationToken cancellationToken
    ) =>
        store.RunAsync(
            // The time may be of a former server, whose clock was ahead.
            """
            select ticket, connection, opened_at, told_at from eventstore.ticket_holders
            where told_at > least($1, clock_timestamp() - interval '5 seconds') order by told_at
            """,
            command =>
                command
                    .With(time)
                    .RowsAsync(row =>
                        (
                            new TicketConnection(
                                row.GetGuid(0),
                                row.GetString(1),
                                row.GetFieldValue<DateTimeOffset>(2)
                            ),
                            row.GetFieldValue<DateTimeOffset>(3)
                        )
                    ),
            cancellationToken
        );
}

/// <summary>A connection that uses a ticket, and when it was opened, by Postgres's clock (UTC).</summary>
internal readonly record struct TicketConnection(Guid Ticket, string Connection, DateTimeOffset At);
