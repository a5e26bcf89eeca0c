using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace EventStore;

/// <summary>
/// The connection that uses each ticket: the one that was opened last, on any replica. Thread-safe. Every method throws
/// <see cref="NpgsqlException"/> or <see cref="TimeoutException"/> while Postgres does not answer.
/// </summary>
public sealed class TicketConnections([FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store, TimeProvider clock)
{
    /// <summary>
    /// Records connections. One that was opened earlier than the stored one changes nothing. Returns the time of this
    /// call by Postgres's clock, which decides: the replicas' clocks may differ.
    /// </summary>
    public Task<DateTimeOffset> NoteAsync(IEnumerable<OpenedTicket> opened, CancellationToken cancellationToken)
    {
        // In one order, so that the statements of two replicas cannot deadlock.
        OpenedTicket[] ordered = [.. opened.OrderBy(o => o.Ticket)];
        var called = clock.GetTimestamp();
        return store.RunAsync(
            """
            with noted as (
                insert into eventstore.ticket_holders as h
                select ticket, connection, coalesce(at, statement_timestamp() - age), clock_timestamp()
                from unnest($1, $2, $3, $4) as o(ticket, connection, age, at)
                on conflict (ticket) do update
                set connection = excluded.connection, opened_at = excluded.opened_at, told_at = excluded.told_at
                where excluded.opened_at > h.opened_at
            )
            select statement_timestamp()
            """,
            async command =>
            {
                command.With(Array.ConvertAll(ordered, o => o.Ticket));
                command.With(Array.ConvertAll(ordered, o => o.Connection));
                // The tickets' connections have aged while this call waited for a connection to Postgres.
                var waited = clock.GetElapsedTime(called);
                command.With(Array.ConvertAll(ordered, o => o.Age + waited));
                command.With(Array.ConvertAll(ordered, o => o.At));
                // Read to the statement's end: the row comes before the commit.
                await using var rows = await command.ExecuteReaderAsync();
                await rows.ReadAsync();
                var now = rows.GetFieldValue<DateTimeOffset>(0);
                while (await rows.ReadAsync()) { }
                return now - waited;
            },
            cancellationToken
        );
    }

    /// <summary>
    /// Reads the connections recorded after a time of Postgres's clock, and in the last five seconds, with the time at
    /// which each was recorded, in the order of those times.
    /// </summary>
    public Task<IReadOnlyList<(TicketConnection Connection, DateTimeOffset NotedAt)>> NotedAfterAsync(
        DateTimeOffset time,
        CancellationToken cancellationToken
    ) =>
        store.RunAsync<IReadOnlyList<(TicketConnection, DateTimeOffset)>>(
            // The time may be of a former server, whose clock was ahead.
            """
            select ticket, connection, opened_at, told_at from eventstore.ticket_holders
            where told_at > least($1, clock_timestamp() - interval '5 seconds') order by told_at
            """,
            async command =>
            {
                await using var row = await command.With(time).ExecuteReaderAsync();
                var noted = new List<(TicketConnection, DateTimeOffset)>();
                while (await row.ReadAsync())
                    noted.Add(
                        (
                            new TicketConnection(
                                row.GetGuid(0),
                                row.GetString(1),
                                row.GetFieldValue<DateTimeOffset>(2)
                            ),
                            row.GetFieldValue<DateTimeOffset>(3)
                        )
                    );
                return noted;
            },
            cancellationToken
        );

    /// <summary>Deletes connections recorded longer ago than <paramref name="age"/>.</summary>
    public Task ForgetAsync(TimeSpan age, CancellationToken cancellationToken) =>
        store.RunAsync(
            "delete from eventstore.ticket_holders where told_at < clock_timestamp() - $1",
            command => command.With(age).ExecuteNonQueryAsync(),
            cancellationToken
        );
}

/// <summary>A connection of this replica that uses a ticket.</summary>
/// <param name="Ticket">The ticket's id.</param>
/// <param name="Connection">The connection's id.</param>
/// <param name="Age">Time since it was opened.</param>
/// <param name="At">When it was opened, by Postgres's clock (UTC), from an earlier note in the same epoch.</param>
public readonly record struct OpenedTicket(Guid Ticket, string Connection, TimeSpan Age, DateTimeOffset? At = null);

/// <summary>A connection that uses a ticket.</summary>
/// <param name="Ticket">The ticket's id.</param>
/// <param name="Connection">The connection's id.</param>
/// <param name="At">When it was opened, by Postgres's clock (UTC).</param>
public readonly record struct TicketConnection(Guid Ticket, string Connection, DateTimeOffset At);
