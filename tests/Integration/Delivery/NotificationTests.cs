using Harness;
using Npgsql;

namespace Integration.Delivery;

/// <summary>A process that stops listening does not wait for a host that is dead.</summary>
public sealed class NotificationTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_deposed_leader_leaves_the_outbox_while_its_Postgres_is_frozen()
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        await using var direct = NpgsqlDataSource.Create(database.ConnectionString);
        await using var link = new FaultyLink(database.Host!, database.Port);

        database.Host = "127.0.0.1";
        database.Port = link.Port;
        // A statement is given up long after the test.
        await using var log = await OpenLog.OpenAsync(database, ("AspireSse:EventStore:CommandTimeoutSeconds", "300"));
        using var deposed = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var outbox = Task.Run(
            async () =>
            {
                await foreach (var _ in log.Tail.OutboxAsync(deposed.Token)) { }
            },
            Stop
        );

        await Eventually.HoldsAsync(
            () =>
                direct.AskAsync<bool>(
                    "select exists (select from pg_stat_activity where query = 'listen eventstore_outbox' "
                        + "and state = 'idle' and datname = current_database())"
                ),
            "it listens"
        );
        link.Freeze();
        await deposed.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => outbox.WaitAsync(TimeSpan.FromSeconds(30), Stop));
        link.Heal();
    }
}
