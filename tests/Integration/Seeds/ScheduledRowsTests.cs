using Integration.Delivery;
using Npgsql;
using Stack;
using StreamApi.Seeds.Storage;

namespace Integration.Seeds;

public sealed class ScheduledRowsTests(StackFixture stack)
{
    /// <summary>Otherwise a row of a replica whose clock is ahead waits for that time if the replica dies.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task A_row_is_due_by_the_clock_of_Postgres_whatever_the_clock_of_the_replica(int hours)
    {
        var stop = TestContext.Current.CancellationToken;
        var database = await stack.CreateDatabaseAsync(stop);
        await using var store = NpgsqlDataSource.Create(database.ConnectionString);
        await using (
            var create = store.CreateCommand(
                """
                create table rows (due timestamptz);
                insert into rows values (clock_timestamp() + interval '1 second')
                """
            )
        )
            await create.ExecuteNonQueryAsync(stop);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var rows = new ScheduledRows(
            store,
            "rows",
            "due",
            TimeSpan.FromMinutes(10),
            new ShiftedClock(TimeSpan.FromHours(hours))
        );
        DateTimeOffset? taken = null;
        var running = rows.RunAsync(TakeAsync, e => Assert.Fail(e.ToString()), over.Token);
        await DeliverySystem.EventuallyAsync(() => Task.FromResult(taken is not null), "the row is taken");
        await over.CancelAsync();
        await running;

        async Task<int> TakeAsync(DateTimeOffset now, CancellationToken cancellationToken)
        {
            await using var take = store.CreateCommand("delete from rows where due <= clock_timestamp() returning due");
            var due = (DateTime?)await take.ExecuteScalarAsync(cancellationToken);
            Assert.True(due <= now.UtcDateTime, $"taken before it was due: {due}, {now}");
            taken = now;
            return 1;
        }
    }
}
