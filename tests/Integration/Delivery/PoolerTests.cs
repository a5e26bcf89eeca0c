using EventStore;
using Harness;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Integration.Delivery;

/// <summary>A pooler in front of Postgres is a mistake that the start names, and no outage.</summary>
public sealed class PoolerTests(PromotionRig rig) : IClassFixture<PromotionRig>
{
    private const string Drops = "drops the settings of a session",
        Refuses = "unsupported startup parameter",
        Invents = "invents the numbers of processes",
        Keeps = "does not commit what it has acknowledged";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("StreamApi", PoolerMode.Session, Drops)]
    [InlineData("Broadcaster", PoolerMode.Transaction, Drops)]
    [InlineData("StreamApi", PoolerMode.Default, Refuses)]
    [InlineData("Broadcaster", PoolerMode.Raw, Keeps)]
    public async Task A_service_does_not_start_behind_a_pooler(string service, PoolerMode mode, string reason)
    {
        var database = await rig.CreateDatabaseAsync();
        await using var pooler = await Pooler.StartAsync(mode, rig.Origin);
        var refusal = await ServiceHost.RefusalAsync(service, Settings(pooler.Before(database)));
        AssertNames(refusal, reason);
        // The address to write instead, where the pooler let a session begin.
        if (mode != PoolerMode.Default)
            Assert.Contains($"'Host=127.0.0.1;Port={rig.Origin.Port}'", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(PoolerMode.Transaction, Drops)]
    [InlineData(PoolerMode.Default, Refuses)]
    public async Task The_migration_ends_with_a_sentence(PoolerMode mode, string reason)
    {
        var database = await rig.CreateDatabaseAsync();
        await using var pooler = await Pooler.StartAsync(mode, rig.Origin);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            ServiceProcess.RunToEndAsync("StreamApi", ["migrate"], Settings(pooler.Before(database)), Stop)
        );
        Assert.StartsWith("StreamApi ended with 1:", failure.Message, StringComparison.Ordinal);
        AssertNames(failure.Message, reason);
        Assert.DoesNotContain("   at ", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(PoolerMode.Session, Drops)]
    [InlineData(PoolerMode.Default, Refuses)]
    [InlineData(PoolerMode.Raw, Keeps)]
    public async Task An_applications_schema_is_not_made_through_a_pooler(PoolerMode mode, string reason)
    {
        await using var pooler = await Pooler.StartAsync(mode, rig.Origin);
        using var host = StoreOnlyHost.Of(pooler.Before(await rig.CreateDatabaseAsync()).ConnectionString).Build();
        AssertNames(await RefusedAsync(() => host.EnsureSchemaAsync(Stop)), reason);
    }

    /// <summary>The sentence names what to change: each application's own.</summary>
    [Theory]
    [InlineData(PoolerMode.Session, true, "the connection string 'orders' (ConnectionStrings__orders)")]
    [InlineData(PoolerMode.Session, false, "the address that 'configure' of AddEventStore sets")]
    [InlineData(PoolerMode.Default, true, "the connection string 'orders' (ConnectionStrings__orders)")]
    [InlineData(PoolerMode.Default, false, "the address that 'configure' of AddEventStore sets")]
    public async Task The_refusal_names_where_the_address_stands(PoolerMode mode, bool isSetting, string where)
    {
        await using var pooler = await Pooler.StartAsync(mode, rig.Origin);
        var text = pooler.Before(await rig.CreateDatabaseAsync()).ConnectionString;
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddMetrics();
        builder.Configuration["ConnectionStrings:orders"] = isSetting ? text : null;
        builder.AddEventStore("orders", store => store.ConnectionStringBuilder.ConnectionString = text);
        using var host = builder.Build();
        Assert.Contains(where, await RefusedAsync(() => host.StartAsync(Stop)), StringComparison.Ordinal);
    }

    /// <summary>Their role or database has the settings that the pooler dropped, by chance.</summary>
    [Theory]
    [InlineData(PoolerMode.Session)]
    [InlineData(PoolerMode.Transaction)]
    public async Task A_pooler_is_found_by_the_numbers_of_its_processes_alone(PoolerMode mode)
    {
        var database = await rig.CreateDatabaseAsync();
        await rig.Origin.AskAsync<object>($"alter database {database.Database} set statement_timeout = '16s'");
        await using var pooler = await Pooler.StartAsync(mode, rig.Origin);
        using var host = StoreOnlyHost.Of(pooler.Before(database).ConnectionString).Build();
        AssertNames(await RefusedAsync(() => host.StartAsync(Stop)), Invents);
    }

    [Fact]
    public async Task One_of_several_hosts_that_is_a_pooler_is_named_too()
    {
        await using var pooler = await Pooler.StartAsync(PoolerMode.Default, rig.Origin);
        var several = pooler.Before(await rig.CreateDatabaseAsync());
        several.Host = $"127.0.0.1:{several.Port},127.0.0.1:{FreePort.Take()}";
        using var host = StoreOnlyHost.Of(several.ConnectionString).Build();
        AssertNames(await RefusedAsync(() => host.StartAsync(Stop)), Refuses);
    }

    [Fact]
    public async Task A_service_that_started_without_Postgres_stops_at_a_pooler()
    {
        await using var pooler = await Pooler.StartAsync(PoolerMode.Default, rig.Origin);
        var database = pooler.Before(await rig.CreateDatabaseAsync());
        await using var link = new FaultyLink(database.Host!, database.Port);
        link.Cut();
        database.Port = link.Port;

        await using var service = await ServiceProcess.StartAsync("StreamApi", Settings(database), Stop);
        link.Heal();
        await service.WaitForExitAsync(Stop).WaitAsync(TimeSpan.FromMinutes(2), Stop);
        Assert.Equal(1, service.ExitCode);
        AssertNames(service.Output, Refuses);
    }

    /// <summary>Not refused: with one server it keeps sessions whole.</summary>
    [Fact]
    public async Task The_log_works_behind_pgpool_in_mode_streaming_replication()
    {
        await using var pooler = await Pooler.StartAsync(PoolerMode.StreamingReplication, rig.Origin);
        await using var log = await OpenLog.OpenAsync(pooler.Before(await rig.CreateDatabaseAsync()));
        await log.AppendAsync(3);
        Assert.Equal(3L, await log.ScalarAsync("select count(*) from eventstore.events"));
    }

    /// <summary>Known from Postgres 17, so that no session can begin with it.</summary>
    [Fact]
    public async Task A_transaction_timeout_of_the_database_does_not_cut_the_log()
    {
        var database = await rig.CreateDatabaseAsync();
        const string limit = "select current_setting('transaction_timeout', true)";
        if (await rig.Origin.AskAsync<string>(limit) is not null)
            await rig.Origin.AskAsync<object>($"alter database {database.Database} set transaction_timeout = '300ms'");

        await using var log = await OpenLog.OpenAsync(database);
        foreach (var pool in (string[])[StorePool.Work, StorePool.Appends, StorePool.Feed, StorePool.Reads])
        {
            var store = log.Host.Services.GetRequiredKeyedService<NpgsqlDataSource>(pool);
            Assert.Contains(await store.AskAsync<string>(limit), (string?[])["0", null]);
        }
    }

    /// <summary>The application's own initializer replaces the check.</summary>
    [Fact]
    public async Task Behind_a_pooler_no_commit_is_cancelled_that_waits_for_the_standby()
    {
        var database = await rig.CreateDatabaseAsync();
        var server = await rig.PromoteAsync(rig.Origin);
        await using var pooler = await Pooler.StartAsync(PoolerMode.Session, server);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddMetrics();
        builder.Services.Configure<EventStoreOptions>(options => options.CommandTimeoutSeconds = 1);
        builder.AddEventStore(configure: store =>
        {
            store.ConnectionStringBuilder.ConnectionString = pooler.Before(database).ConnectionString;
            store.UsePhysicalConnectionInitializer(_ => { }, _ => Task.CompletedTask);
        });
        using var host = builder.Build();
        await host.StartAsync(Stop);
        await server.SetStandbysAsync("absent");

        await Assert.ThrowsAsync<StoreUnavailableException>(() =>
            host.Services.GetRequiredService<EventAppender>().AppendAsync([new NewEvent("t.1", "n", "1")], Stop)
        );

        var store = host.Services.GetRequiredKeyedService<NpgsqlDataSource>(StorePool.Feed);
        await Eventually.HoldsAsync(
            async () => await RunningCommands.EndLostAsync(store, TimeSpan.FromSeconds(10), Stop) == (1, 0),
            "the log looks for commands that Postgres has lost"
        );
        Assert.Equal(
            1,
            await server.AskAsync<long>("select count(*) from pg_stat_activity where wait_event = 'SyncRep'")
        );

        await server.SetStandbysAsync("");
        await host.StopAsync(Stop);
    }

    private static async Task<string> RefusedAsync(Func<Task> start) =>
        (await Assert.ThrowsAsync<PoolerException>(start)).Message;

    private static void AssertNames(string refusal, string reason)
    {
        Assert.Contains("stands a pooler, such as PgBouncer or pgpool-II", refusal, StringComparison.Ordinal);
        Assert.Contains(reason, refusal, StringComparison.Ordinal);
        Assert.Contains("ConnectionStrings__eventstore", refusal, StringComparison.Ordinal);
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
