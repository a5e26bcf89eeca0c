using Npgsql;

namespace EventStore;

/// <summary>Events that wait in the outbox while no process leads, so that none moves them.</summary>
internal static class WaitingOutbox
{
    public const string Message =
        "Events wait in the outbox, and no process moves them into the log. Start one that calls AddSse without Redis, "
        + "or AddSseBroadcaster.";

    private const string Sql = """
        select not exists (
            select from eventstore.leases where name = 'broadcaster' and expires_at > clock_timestamp()
        ) and exists (select from eventstore.outbox)
        """;

    public static Task<bool> IsLeftAsync(
        NpgsqlDataSource store,
        TimeSpan timeout,
        CancellationToken cancellationToken
    ) => store.RunAsync(Sql, async command => await command.ExecuteScalarAsync() is true, timeout, cancellationToken);
}
