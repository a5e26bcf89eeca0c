using Adopter.Databases;
using Harness;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using static System.StringComparison;

namespace Adopter.Outbox;

/// <summary>A process that only publishes, in a system where perhaps nobody moves what it publishes.</summary>
public sealed class WaitingTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Events_that_nobody_moves_are_reported_until_a_process_with_streams_moves_them()
    {
        var database = await DatabaseQuestions.CreateDatabaseAsync();
        using var warnings = new WarningLines();
        await using var app = await StartAsync(database, builder => builder.Logging.AddProvider(warnings));
        await Eventually.HoldsAsync(
            async () => (await HealthAsync(app)).Status == HealthStatus.Healthy,
            "Postgres has answered"
        );

        await PublishAsync(app);
        await Eventually.HoldsAsync(
            async () => (await HealthAsync(app)).Status == HealthStatus.Degraded,
            "the health check says that events wait"
        );
        Assert.Contains("AddSse", (await HealthAsync(app)).Description, Ordinal);
        Assert.Single(warnings.Texts, text => text.StartsWith("Events wait", Ordinal));

        await using var streams = await StartAsync(database, builder => builder.AddSse());
        await Eventually.HoldsAsync(
            async () => (await HealthAsync(app)).Status == HealthStatus.Healthy,
            "the events are moved"
        );
        var log = streams.Services.GetRequiredService<IEventLog>();
        Assert.Single((await log.ReadAsync(new() { Filter = new EventFilter(["orders.7"]) }, Stop)).Events);
    }

    [Fact]
    public async Task Events_that_the_leading_process_cannot_move_are_reported_until_it_can()
    {
        var database = await DatabaseQuestions.CreateDatabaseAsync();
        await using var app = await StartAsync(database, builder => builder.AddSse());
        await using var other = NpgsqlDataSource.Create(database);

        await using (var connection = await other.OpenConnectionAsync(Stop))
        {
            await using var held = await connection.BeginTransactionAsync(Stop);
            await using var command = new NpgsqlCommand("lock table eventstore.recent_ids", connection, held);
            await command.ExecuteNonQueryAsync(Stop);
            await PublishAsync(app);
            await Eventually.HoldsAsync(
                async () => (await HealthAsync(app)).Description?.Contains("the leading process", Ordinal) is true,
                "the health check says that the process which leads cannot move them"
            );
            Assert.Equal(HealthStatus.Degraded, (await HealthAsync(app)).Status);
        }

        await Eventually.HoldsAsync(
            async () => (await HealthAsync(app)).Status == HealthStatus.Healthy,
            "the events are moved"
        );
    }

    private static async Task PublishAsync(LogApp app)
    {
        await using var scope = app.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<EmptyDb>();
        db.Publish($"orders.{7}", "shipped", 7);
        await db.SaveChangesAsync(Stop);
    }

    private static Task<LogApp> StartAsync(string database, Action<WebApplicationBuilder> add)
    {
        var builder = LogApp.Builder(database);
        builder.AddEventStore("log");
        builder.Services.AddDbContext<EmptyDb>(options => options.UseNpgsql(database).UseSse());
        add(builder);
        return LogApp.StartAsync(builder);
    }

    private static async Task<HealthReportEntry> HealthAsync(LogApp app)
    {
        var report = await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Stop);
        return report.Entries["sse-store"];
    }

    private sealed class EmptyDb(DbContextOptions<EmptyDb> options) : DbContext(options);
}
