using System.Transactions;
using Npgsql;

namespace Adopter.Databases;

/// <summary>Calls in an ambient transaction of the application, in which the log takes no part.</summary>
public sealed class AmbientTransactionTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_read_leaves_the_applications_transaction_as_it_is()
    {
        var database = await DatabaseQuestions.CreateDatabaseAsync();
        await DatabaseQuestions.AskAsync(database, "create table public.items (name text)");
        await using var app = await StartAsync(database);
        var log = app.Services.GetRequiredService<IEventLog>();
        await using var items = NpgsqlDataSource.Create(database);

        using (var scope = new TransactionScope(TransactionScopeAsyncFlowOption.Enabled))
        {
            await items.AskAsync("insert into public.items values ('tea')");
            await log.ReadAsync(new(), Stop);
            await log.ReadAsync(new() { MaxEvents = 10, MaxBytes = 1_000 }, Stop);
            scope.Complete();
        }

        Assert.Equal("1", await items.AskAsync("select count(*) from public.items"));
    }

    [Fact]
    public async Task A_lease_outlives_the_rollback()
    {
        await using var app = await StartAsync(await DatabaseQuestions.CreateDatabaseAsync());
        var lease = app.Services.GetRequiredService<LeaderLease>();
        long? fence;

        using (new TransactionScope(TransactionScopeAsyncFlowOption.Enabled))
            fence = await lease.HoldAsync("report", "a", Minute, Stop);

        Assert.Null(await lease.HoldAsync("report", "b", Minute, Stop));
        Assert.Equal(fence, await lease.HoldAsync("report", "a", Minute, Stop));
    }

    [Fact]
    public async Task A_run_outlives_the_rollback()
    {
        await using var app = await StartAsync(await DatabaseQuestions.CreateDatabaseAsync());
        var runs = app.Services.GetRequiredService<IRuns>();

        using (new TransactionScope(TransactionScopeAsyncFlowOption.Enabled))
            await runs.StartAsync("answers.7", async (run, _) => await run.AppendAsync("update", "tea"));

        await using var stream = await SseReader.OpenAsync(app.Server, "/answers/7");
        await stream.WaitForEndAsync();
        Assert.Equal(["update", "end"], stream.Events.Select(e => e.Event));
    }

    private static Task<LogApp> StartAsync(string database)
    {
        var builder = LogApp.Builder(database);
        builder.AddEventStore("log");
        builder.AddSse();
        builder.AddSseRuns();
        return LogApp.StartAsync(
            builder,
            app => app.MapGet("/answers/{id}", (string id) => TypedResults.RunStream($"answers.{id}")).AllowAnonymous()
        );
    }
}
