using Npgsql;

namespace EventStore;

/// <summary>The row that has waited longest in the outbox.</summary>
/// <param name="Ordinal">Its number.</param>
/// <param name="IsLed">True if a process leads, so that the row should be moved.</param>
internal sealed record WaitingOutbox(long Ordinal, bool IsLed)
{
    private const string Sql = """
        select ordinal, exists (
            select from eventstore.leases where name = 'broadcaster' and expires_at > clock_timestamp()
        )
        from eventstore.outbox order by ordinal limit 1
        """;

    /// <summary>The reason why the row waits, and the way out.</summary>
    public string Reason =>
        IsLed
            ? $"Events wait in the outbox behind row {Ordinal}, which the leading process cannot move into the log. "
                + "Its own log says why."
            : "Events wait in the outbox, and no process moves them into the log. Start one that calls AddSse without "
                + "Redis, or AddSseBroadcaster.";

    /// <summary>Returns the oldest row, or null if none waits.</summary>
    public static Task<WaitingOutbox?> OldestAsync(
        NpgsqlDataSource store,
        TimeSpan timeout,
        CancellationToken cancellationToken
    ) =>
        store.RunAsync(
            Sql,
            async command =>
            {
                await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
                return await row.ReadAsync() ? new WaitingOutbox(row.GetInt64(0), row.GetBoolean(1)) : null;
            },
            timeout,
            cancellationToken
        );
}
