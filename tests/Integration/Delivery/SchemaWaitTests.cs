using System.Net;
using System.Net.Sockets;
using EventStore;
using Harness;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using StreamApi;
using StreamApi.Seeds.Storage;

namespace Integration.Delivery;

/// <summary><c>StreamApi wait-for-schema</c>, with which the services of an orchestrator wait for the
/// migration.</summary>
public sealed class SchemaWaitTests
{
    [Fact]
    public async Task The_wait_ends_when_the_migration_has_run()
    {
        var database = await Stores.Shared.CreateDatabaseAsync(TestContext.Current.CancellationToken);
        // A service on this machine serves its metrics at the configured port.
        using var metrics = new TcpListener(IPAddress.Loopback, 0);
        metrics.Start();

        string[] arguments =
        [
            "--ConnectionStrings:eventstore",
            database.ConnectionString,
            "--Telemetry:Prometheus:Url",
            $"http://{metrics.LocalEndpoint}",
            "--Logging:LogLevel:Default",
            "Warning",
        ];
        var wait = Migration.WaitAsync(arguments);

        await using (var store = NpgsqlDataSource.Create(database.ConnectionString))
            await new StoreMigrator(store, TimeProvider.System, NullLogger<StoreMigrator>.Instance).MigrateAsync(
                TestContext.Current.CancellationToken
            );

        // The event log alone is not enough: the services have tables of their own.
        await LooksAgainAsync(database.ConnectionString);
        await LooksAgainAsync(database.ConnectionString); // the look before this one saw the whole log
        Assert.False(wait.IsCompleted);
        Assert.Equal(0, await Migration.RunAsync(arguments));
        Assert.Equal(0, await wait.WaitAsync(TestContext.Current.CancellationToken));
        // A pod that starts later does not wait.
        Assert.Equal(0, await Migration.WaitAsync(arguments));
    }

    /// <summary>An orchestrator's services that wait for the migration would not start without it.</summary>
    [Fact]
    public async Task A_migration_whose_connection_breaks_goes_on_when_Postgres_answers()
    {
        var database = await Stores.Shared.CreateDatabaseAsync(TestContext.Current.CancellationToken);
        await using var store = NpgsqlDataSource.Create(database.ConnectionString);
        await new StoreMigrator(store, TimeProvider.System, NullLogger<StoreMigrator>.Instance).MigrateAsync(
            TestContext.Current.CancellationToken
        );
        await using var link = FaultyLink.To(database.ConnectionString, out var through);

        Task<int> migration;
        await using (var held = await LockedTable.LockAsync(store, "eventstore.migrations"))
        {
            migration = Migration.RunAsync(["--ConnectionStrings:eventstore", through]);
            await Eventually.HoldsAsync(
                async () => await held.WaitersAsync("eventstore.migrations") > 0,
                "the migration reads"
            );
            link.Cut();
        }

        link.Heal();
        Assert.Equal(0, await migration.WaitAsync(TestContext.Current.CancellationToken));
        Assert.Equal(0, await Migration.WaitAsync(["--ConnectionStrings:eventstore", through]));
    }

    /// <summary>For an operator whose services may not change the schema.</summary>
    [Fact]
    public async Task The_script_of_migrate_makes_all_that_the_services_need()
    {
        var database = await Stores.Shared.CreateDatabaseAsync(TestContext.Current.CancellationToken);
        await using var store = NpgsqlDataSource.Create(database.ConnectionString);
        var script = EventStoreSchema.Script() + SeedsStore.Script(role: null);
        await store.ExecuteAsync(script);
        await store.ExecuteAsync(script); // in any state

        string[] arguments =
        [
            "--ConnectionStrings:eventstore",
            database.ConnectionString,
            "--Logging:LogLevel:Default",
            "Warning",
        ];
        Assert.Equal(0, await Migration.WaitAsync(arguments));
        Assert.Equal(0, await Migration.RunAsync(arguments));
    }

    [Fact]
    public async Task A_database_lacks_the_migrations_that_were_never_applied()
    {
        await using var store = await CreateAsync();
        var migrator = new StoreMigrator(store, TimeProvider.System, NullLogger<StoreMigrator>.Instance);
        var all = await migrator.MissingAsync(TestContext.Current.CancellationToken);

        Assert.Equal([.. SchemaScript.Tables.Select(s => s.Name), SchemaScript.FunctionSet], all);

        await migrator.MigrateAsync(TestContext.Current.CancellationToken);
        Assert.Empty(await migrator.MissingAsync(TestContext.Current.CancellationToken));

        await store.ExecuteAsync($"delete from eventstore.migrations where name = '{SchemaScript.Tables[^1].Name}'");
        Assert.Equal(
            [SchemaScript.Tables[^1].Name],
            await migrator.MissingAsync(TestContext.Current.CancellationToken)
        );
    }

    /// <summary>The next version has another set of functions: its pods wait, and this version's restart.</summary>
    [Fact]
    public async Task A_version_waits_for_its_own_functions_but_accepts_a_newer_versions()
    {
        await using var store = await CreateAsync();
        var migrator = new StoreMigrator(store, TimeProvider.System, NullLogger<StoreMigrator>.Instance);
        await migrator.MigrateAsync(TestContext.Current.CancellationToken);

        await store.ExecuteAsync(
            """
            insert into eventstore.migrations (name) values ('9999_next'), ('functions of the next version')
            """
        );
        Assert.Empty(await migrator.MissingAsync(TestContext.Current.CancellationToken));

        await store.ExecuteAsync($"delete from eventstore.migrations where name = '{SchemaScript.FunctionSet}'");
        Assert.Equal([SchemaScript.FunctionSet], await migrator.MissingAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Holds the list of applied migrations until somebody wants to read it.</summary>
    private static async Task LooksAgainAsync(string database)
    {
        await using var store = NpgsqlDataSource.Create(database);
        await using var held = await LockedTable.LockAsync(store, "eventstore.migrations");
        await Eventually.HoldsAsync(
            async () => await held.WaitersAsync("eventstore.migrations") > 0,
            "the wait looks again"
        );
    }

    private static async Task<NpgsqlDataSource> CreateAsync() =>
        NpgsqlDataSource.Create(
            (await Stores.Shared.CreateDatabaseAsync(TestContext.Current.CancellationToken)).ConnectionString
        );
}
