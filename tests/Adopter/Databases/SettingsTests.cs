using Adopter.Schema;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Adopter.Databases;

/// <summary>Settings of the role or the database that would change what the log's SQL means.</summary>
public sealed class SettingsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("default_transaction_isolation", "serializable")]
    [InlineData("default_transaction_isolation", "'repeatable read'")]
    [InlineData("default_transaction_deferrable", "on")]
    [InlineData("lock_timeout", "1")]
    [InlineData("statement_timeout", "1")]
    [InlineData("idle_session_timeout", "100")]
    [InlineData("idle_in_transaction_session_timeout", "1")]
    [InlineData("search_path", "misleading, pg_catalog")]
    [InlineData("standard_conforming_strings", "off")]
    [InlineData("session_replication_role", "replica")]
    [InlineData("row_security", "off")]
    [InlineData("bytea_output", "escape")]
    [InlineData("intervalstyle", "sql_standard")]
    [InlineData("datestyle", "'German, DMY'")]
    [InlineData("enable_indexscan", "off")]
    public async Task The_log_works_the_same_with_any_setting_of_its_role(string setting, string value)
    {
        await using var role = await Role.CreateAsync();
        await role.DoAsync(EventStoreSchema.Script(role.Name));
        // Functions of the names of Postgres's, in a schema that the application's sessions see first.
        await role.DoAsync(
            $"""
            create schema misleading;
            create function misleading.clock_timestamp() returns timestamptz language sql as 'select null::timestamptz';
            create function misleading.pg_notify(text, text) returns void language sql as 'select';
            create function misleading.pg_advisory_xact_lock(int, int) returns void language sql as 'select';
            grant usage on schema misleading to {role.Name};
            alter role {role.Name} set {setting} = {value}
            """
        );

        await using var first = await StartAsync(role.Text);
        await using var second = await StartAsync(role.Text);

        // Both processes at once: whoever waits for the log's lock must then see what the other has written.
        var appended = await Task.WhenAll(
            Enumerable
                .Range(0, 200)
                .Select(n => Task.Run(() => (n % 2 == 0 ? first : second).AppendAsync($"{n}"), Stop))
        );
        Assert.Equal(200, appended.Select(a => a.At.Position).Distinct().Count());
        Assert.Equal("200", await role.DoAsync("select count(*) from eventstore.events"));

        await using var scope = first.Services.CreateAsyncScope();
        var log = first.Services.GetRequiredService<IEventLog>();
        var last = appended.MaxBy(a => a.At.Position).At;
        var page = await log.ReadAsync(new() { After = last with { Position = last.Position - 1 } }, Stop);
        Assert.Single(page.Events);
    }

    [Fact]
    public async Task A_database_that_only_reads_is_reported_and_forgotten_once_it_writes_again()
    {
        await using var role = await Role.CreateAsync();
        await role.DoAsync(EventStoreSchema.Script(role.Name));
        await using var app = await StartAsync(role.Text);
        await app.AppendAsync("7");

        await role.DoAsync($"alter database {role.Database} set default_transaction_read_only = on");
        // Sessions keep the setting that they began with.
        await role.DoAsync(
            $"select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = '{role.Name}'"
        );
        await Eventually.HoldsAsync(
            async () => (await HealthAsync(app)).Contains("default_transaction_read_only", StringComparison.Ordinal),
            "the health check names the setting"
        );
        await Assert.ThrowsAsync<StoreUnavailableException>(() => app.AppendAsync("7"));

        await using (
            var writing = Npgsql.NpgsqlDataSource.Create(role.Owner + ";Options=-c default_transaction_read_only=off")
        )
            await writing.AskAsync($"alter database {role.Database} reset default_transaction_read_only");
        await Eventually.HoldsAsync(async () => (await HealthAsync(app)).Length == 0, "the log is healthy again");
        await app.AppendAsync("7");
    }

    private static async Task<string> HealthAsync(LogApp app)
    {
        var report = await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Stop);
        return string.Join(
            "; ",
            report.Entries.Values.Select(entry => entry.Description).Where(text => text is not null)
        );
    }

    private static Task<LogApp> StartAsync(string text)
    {
        var builder = LogApp.Builder(text);
        builder.AddEventStore("log");
        builder.AddSse();
        return LogApp.StartAsync(builder);
    }
}
