using EventStore;
using Harness;
using Npgsql;

namespace Integration.Delivery;

/// <summary>Reads whose callers leave. Npgsql connects to Postgres to cancel a command, and waits for the
/// answer.</summary>
public sealed class CancelledReadTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task Whoever_cancels_a_read_does_not_wait_until_Postgres_takes_the_cancellation()
    {
        var database = await Stores.Shared.CreateDatabaseAsync(Stop);
        await using var link = new FaultyLink(database.Host!, database.Port);
        await using var direct = NpgsqlDataSource.Create(database.ConnectionString);
        var linked = new NpgsqlConnectionStringBuilder(database.ConnectionString)
        {
            Host = "127.0.0.1",
            Port = link.Port,
            Timeout = 600,
        };
        await using var store = NpgsqlDataSource.Create(linked.ConnectionString);
        using var leave = new CancellationTokenSource();
        var read = store.AskAsync(
            "select pg_sleep(600)",
            command => command.ExecuteScalarAsync(CancellationToken.None),
            leave.Token
        );

        await Eventually.HoldsAsync(async () => await SleepingAsync() == 1, "the read runs");

        link.HoldRequests();
        // On a thread of its own, so that the test can wait for it.
        await Task.Factory.StartNew(leave.Cancel, Stop, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Assert.False(read.IsCompleted);

        link.Heal();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        Assert.Equal(leave.Token, cancelled.CancellationToken);
        Assert.Equal(0, await SleepingAsync());
        // The cancellation is over, so that it cannot hit the connection's next command.
        Assert.Equal(1, await store.AskAsync("select 1", command => command.ExecuteScalarAsync(Stop), Stop));

        Task<long> SleepingAsync() =>
            direct.AskAsync<long>(
                "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
            );
    }

    [Fact(Timeout = 60_000)]
    public async Task A_read_that_nobody_waits_for_any_more_does_not_begin()
    {
        var database = await Stores.Shared.CreateDatabaseAsync(Stop);
        await using var store = NpgsqlDataSource.Create(database.ConnectionString);
        var begun = false;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            store.AskAsync(
                "select 1",
                command =>
                {
                    begun = true;
                    return command.ExecuteScalarAsync(CancellationToken.None);
                },
                new CancellationToken(canceled: true)
            )
        );
        Assert.False(begun);
    }
}
