using Adopter.Databases;
using Harness;
using Npgsql;

namespace Adopter.Schema;

/// <summary>A database whose tables an application's tests have emptied, the log's too.</summary>
public sealed class EmptiedTablesTests
{
    private const string Empty = """
        do $$ declare emptied text; begin
            for emptied in select oid::regclass from pg_class
                where relnamespace = 'eventstore'::regnamespace and relkind in ('r', 'p') and not relispartition
            loop execute 'truncate ' || emptied || ' cascade'; end loop;
        end $$
        """;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_log_whose_tables_were_emptied_says_so()
    {
        var database = await DatabaseQuestions.CreateDatabaseAsync();
        using var warnings = new WarningLines();
        var builder = LogApp.Builder(database);
        builder.Logging.AddProvider(warnings);
        builder.AddEventStore("log");
        builder.AddSse();
        await using var app = await LogApp.StartAsync(builder);
        await app.AppendAsync("7");

        await Eventually.HoldsAsync(() => TryEmptyAsync(database), "the tables are emptied");

        var log = app.Services.GetRequiredService<IEventLog>();
        foreach (var ask in (Func<Task>[])[() => app.AppendAsync("7"), () => log.ReadAsync(new(), Stop)])
            Emptied(await Assert.ThrowsAsync<InvalidOperationException>(ask));
        await Eventually.HoldsAsync(
            () => warnings.Texts.Any(text => text.Contains("were emptied", StringComparison.Ordinal)),
            "the feed says so, too"
        );

        var another = LogApp.Builder(database);
        another.AddEventStore("log");
        await using var next = another.Build();
        Emptied(await Assert.ThrowsAsync<InvalidOperationException>(() => next.EnsureSchemaAsync(Stop)));

        await DatabaseQuestions.AskAsync(database, "drop schema eventstore cascade");
        await next.EnsureSchemaAsync(Stop);
        await app.AppendAsync("7");
    }

    private static async Task<bool> TryEmptyAsync(string database)
    {
        try
        {
            await DatabaseQuestions.AskAsync(database, Empty);
            return true;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DeadlockDetected)
        {
            return false; // The application has locked its tables in another order.
        }
    }

    private static void Emptied(Exception refused)
    {
        Assert.Contains("were emptied", refused.Message, StringComparison.Ordinal);
        Assert.Contains("drop schema eventstore cascade", refused.Message, StringComparison.Ordinal);
    }
}
