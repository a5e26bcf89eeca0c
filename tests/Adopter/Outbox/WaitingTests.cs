using Adopter.Databases;
using Harness;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;

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

        await using (var scope = app.Services.CreateAsyncScope())
        {
            var db = scope.ServiceProvider.GetRequiredService<EmptyDb>();
            db.Publish($"orders.{7}", "shipped", 7);
            await db.SaveChangesAsync(Stop);
        }

        await Eventually.HoldsAsync(
            async () => (await HealthAsync(app)).Status == HealthStatus.Degraded,
            "the health check says that events wait"
        );
        Assert.Contains("AddSse", (await HealthAsync(app)).Description, StringComparison.Ordinal);
        Assert.Single(warnings.Texts, text => text.StartsWith("Events wait", StringComparison.Ordinal));

        await using var streams = await StartAsync(database, builder => builder.AddSse());
        await Eventually.HoldsAsync(
            async () => (await HealthAsync(app)).Status == HealthStatus.Healthy,
            "the events are moved"
        );
        var log = streams.Services.GetRequiredService<IEventLog>();
        Assert.Single((await log.ReadAsync(new() { Filter = new EventFilter(["orders.7"]) }, Stop)).Events);
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
