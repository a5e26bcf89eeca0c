using Integration.Delivery;
using Npgsql;
using StreamApi.Seeds.Storage;

namespace Integration.Seeds;

public sealed class ScheduledRowsTests : IAsyncLifetime
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);
    private NpgsqlDataSource _store = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var database = await Stores.Shared.CreateDatabaseAsync(Stop);
        _store = NpgsqlDataSource.Create(database.ConnectionString);
        await AskAsync("create table rows (due timestamptz)");
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    /// <summary>Otherwise a row of a replica whose clock is ahead waits for that time if the replica dies.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task A_row_is_due_by_the_clock_of_Postgres_whatever_the_clock_of_the_replica(int hours)
    {
        var due = await AskAsync("insert into rows values (clock_timestamp() + interval '1 second') returning due");
        Assert.Equal(due, await FirstTakenAsync(TimeSpan.FromHours(hours)));
    }

    [Fact]
    public async Task A_row_that_would_wait_for_longer_than_any_can_is_due_at_once()
    {
        var due = (DateTime)
            (await AskAsync("insert into rows values (clock_timestamp() + interval '1 hour') returning due"))!;
        Assert.InRange((DateTime)(await FirstTakenAsync(TimeSpan.Zero))!, due.AddHours(-1), due.AddMinutes(-50));
    }

    /// <summary>Returns the due time of the first row that is taken.</summary>
    /// <param name="ahead">Difference of the replica's clock.</param>
    private async Task<object?> FirstTakenAsync(TimeSpan ahead)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Stop);

        using var rows = new ScheduledRows(_store, "rows", "due", Longest, new ShiftedClock(ahead));
        var taken = new TaskCompletionSource<object?>();

        var running = rows.RunAsync(
            async (now, _) =>
            {
                taken.SetResult(
                    await AskAsync($"delete from rows where due <= least('{now:O}', clock_timestamp()) returning due")
                );
                return false;
            },
            e => taken.TrySetException(e),
            over.Token
        );

        var first = await taken.Task.WaitAsync(TimeSpan.FromMinutes(2), Stop);
        await over.CancelAsync();
        await running;

        return first;
    }

    private Task<object?> AskAsync(string sql) => _store.AskAsync<object>(sql);
}
