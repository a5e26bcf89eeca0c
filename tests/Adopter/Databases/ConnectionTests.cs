using System.Collections.Concurrent;
using Adopter.Schema;
using Npgsql;

namespace Adopter.Databases;

/// <summary>Ways to connect that a connection string cannot express.</summary>
public sealed class ConnectionTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>As tokens of Entra and IAM are.</summary>
    [Fact]
    public async Task Every_connection_of_the_log_has_the_password_that_the_application_provides()
    {
        await using var role = await Role.CreateAsync();
        await role.DoAsync(EventStoreSchema.Script(role.Name));
        var asked = new ConcurrentBag<string>();
        var builder = LogApp.Builder(new NpgsqlConnectionStringBuilder(role.Text) { Password = null }.ConnectionString);
        builder.AddEventStore(
            "log",
            log =>
                log.UsePeriodicPasswordProvider(
                    (settings, _) =>
                    {
                        asked.Add(settings.Username!);
                        return ValueTask.FromResult(role.Name);
                    },
                    TimeSpan.FromMinutes(5),
                    TimeSpan.FromSeconds(1)
                )
        );
        builder.AddSse();
        builder.AddSseRuns();

        await using var app = await LogApp.StartAsync(builder);
        await app.AppendAsync("7");
        var page = await app.Services.GetRequiredService<IEventLog>().ReadAsync(new(), Stop);

        Assert.Single(page.Events);
        Assert.Equal(role.Name, Assert.Single(asked.Distinct()));
    }

    [Fact]
    public async Task The_application_may_name_the_server_in_code_and_the_log_keeps_its_own_settings()
    {
        var database = await DatabaseQuestions.CreateDatabaseAsync();
        var builder = LogApp.Builder(log: null);
        builder.AddEventStore(configure: log =>
        {
            log.ConnectionStringBuilder.ConnectionString = database;
            log.ConnectionStringBuilder.MaxPoolSize = 1;
            log.ConnectionStringBuilder.Multiplexing = true;
            log.ConnectionStringBuilder.SearchPath = "tenant_a";
            log.ConnectionStringBuilder.Options = "-c default_transaction_isolation=serializable";
        });
        builder.AddSse();

        await using var app = await LogApp.StartAsync(builder);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(n => app.AppendAsync($"{n}")));

        Assert.Equal("50", await DatabaseQuestions.AskAsync(database, "select count(*) from eventstore.events"));
    }

    [Fact]
    public async Task Without_a_connection_string_and_a_host_the_start_names_the_setting()
    {
        var builder = LogApp.Builder(log: null);
        builder.AddEventStore("log", _ => { });
        await using var app = builder.Build();
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => app.EnsureSchemaAsync(Stop));
        foreach (var part in (string[])["ConnectionStrings__log", "Host=localhost;Username=postgres;Database=log"])
            Assert.Contains(part, refused.Message, StringComparison.Ordinal);
    }
}
