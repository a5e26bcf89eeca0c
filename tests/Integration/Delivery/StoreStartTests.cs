using System.Net;
using Harness;
using Npgsql;

namespace Integration.Delivery;

/// <summary>Stores with which no service starts.</summary>
public sealed class StoreStartTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("StreamApi")]
    [InlineData("Broadcaster")]
    public async Task A_service_does_not_start_on_a_schema_that_lacks_its_migrations(string service)
    {
        var empty = await Stores.Shared.CreateDatabaseAsync(Stop);
        await RefusesAsync(service, empty);
        var older = await Stores.Shared.CreateMigratedAsync(Stop);
        await using var database = NpgsqlDataSource.Create(older.ConnectionString);

        await database.ExecuteAsync("delete from eventstore.migrations where name like 'functions %'");
        await RefusesAsync(service, older);
        // Tables of a later version, which replaces the functions too: this version serves until it is replaced.
        var newer = await Stores.Shared.CreateMigratedAsync(Stop);
        await using var next = NpgsqlDataSource.Create(newer.ConnectionString);

        await next.ExecuteAsync("insert into eventstore.migrations (name) values ('9999_next')");
        await using var started = await ServiceHost.StartAsync(
            service,
            Settings(newer),
            "http://127.0.0.1:0",
            clock: null,
            Stop
        );
    }

    [Fact]
    public async Task A_service_that_started_without_Postgres_acknowledges_nothing_and_stops_when_the_schema_is_wrong()
    {
        var empty = await Stores.Shared.CreateDatabaseAsync(Stop);
        await using var link = new FaultyLink(empty.Host!, empty.Port);
        link.Cut();
        empty.Host = "127.0.0.1";
        empty.Port = link.Port;

        await using var service = await ServiceProcess.StartAsync("StreamApi", Settings(empty), Stop);
        using (var refused = await World.PostAsync(service, new EventBody("t.1", "n", 1)))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);

        link.Heal();
        await service.WaitForExitAsync(Stop).WaitAsync(TimeSpan.FromMinutes(2), Stop);
        Assert.Equal(1, service.ExitCode);
        Assert.Contains("another schema than this version's", service.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("StreamApi", "standby")]
    [InlineData("Broadcaster", "prefer-standby")]
    public async Task A_service_that_is_told_to_use_a_standby_does_not_start(string service, string target)
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        database.TargetSessionAttributes = target;
        await RefusesAsync(service, database, "Write 'Target Session Attributes=primary'");
    }

    private static async Task RefusesAsync(
        string service,
        NpgsqlConnectionStringBuilder database,
        string message = "another schema than this version's"
    )
    {
        var refusal = await ServiceHost.RefusalAsync(service, Settings(database));
        Assert.Contains(message, refusal, StringComparison.Ordinal);
    }

    private static Dictionary<string, string> Settings(NpgsqlConnectionStringBuilder database) =>
        new()
        {
            ["ConnectionStrings__eventstore"] = database.ConnectionString,
            ["ConnectionStrings__redis"] = Stores.Shared.Redis,
            ["AspireSse__EventStore__Channel"] = database.Database!,
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["Traffic__Enabled"] = "false",
        };
}
