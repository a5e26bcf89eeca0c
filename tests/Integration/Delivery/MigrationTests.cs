using EventStore;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Integration.Delivery;

/// <summary>The schema after a migration: of an empty database, and of one with changed functions.</summary>
public sealed class MigrationTests
{
    /// <summary>Everything that makes up the schema; migrations and hashes aside, no data.</summary>
    private const string Schema = """
        select pg_get_functiondef(oid) from pg_proc where pronamespace = 'eventstore'::regnamespace
        union all select format('%s %s %s %s %s %s', attrelid::regclass,
            row_number() over (partition by attrelid order by attnum), attname, atttypid::regtype, attnotnull,
            attcompression) from pg_attribute where attnum > 0 and not attisdropped and attrelid in
            (select oid from pg_class where relnamespace = 'eventstore'::regnamespace and relkind in ('r', 'p'))
        union all select format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint
            where connamespace = 'eventstore'::regnamespace
        union all select indexdef from pg_indexes where schemaname = 'eventstore'
        union all select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
        order by 1
        """;

    private static readonly string Script = EventStoreSchema.Script();

    [Fact]
    public async Task A_second_migration_changes_nothing()
    {
        await using var store = await CreateMigratedAsync();
        // Each row's version says which transaction wrote it.
        const string Written = "select proname || xmin from pg_proc where pronamespace = 'eventstore'::regnamespace";
        var before = await RowsAsync(store, Written);

        Assert.NotEmpty(before);
        await MigrateAsync(store);
        Assert.Equal(before, await RowsAsync(store, Written));
    }

    /// <summary>A changed signature would leave the former function beside the new one.</summary>
    [Fact]
    public async Task The_store_has_one_function_for_each_file()
    {
        await using var store = await CreateMigratedAsync();
        Assert.Equal(
            SchemaScript.Functions.Select(function => function.Name).Order(StringComparer.Ordinal),
            await RowsAsync(
                store,
                """
                select proname::text from pg_proc where pronamespace = 'eventstore'::regnamespace
                order by proname collate "C"
                """
            )
        );
    }

    [Fact]
    public async Task Many_processes_can_migrate_an_empty_database_at_once()
    {
        await using var store = await CreateAsync();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => MigrateAsync(store)));
        Assert.Equal(["1"], await RowsAsync(store, "select count(*)::text from eventstore.store"));
        // The locks of other databases are those of other tests.
        Assert.Equal(
            ["0"],
            await RowsAsync(
                store,
                """
                select count(*)::text from pg_locks l join pg_database d on d.oid = l.database
                where l.locktype = 'advisory' and d.datname = current_database()
                """
            )
        );
    }

    [Fact]
    public async Task The_functions_of_another_version_are_replaced_by_this_versions()
    {
        await using var store = await CreateMigratedAsync();
        var schema = await RowsAsync(store, Schema);
        await RowsAsync(
            store,
            """
            create or replace function eventstore.head() returns bigint language sql as 'select 7::bigint';
            insert into eventstore.migrations (name, applied_at) values ('functions other', clock_timestamp())
            """
        );
        Assert.NotEqual(schema, await RowsAsync(store, Schema));

        await MigrateAsync(store);

        Assert.Equal(schema, await RowsAsync(store, Schema));
        Assert.Equal(["0"], await RowsAsync(store, "select eventstore.head()::text"));
    }

    [Theory]
    [InlineData("0001_log")]
    [InlineData("0001_events")]
    public async Task A_store_of_a_development_version_is_refused_with_the_way_out(string migration)
    {
        await using var store = await CreateAsync();
        await RowsAsync(
            store,
            $"""
            create schema eventstore;
            create table eventstore.migrations (name text primary key, applied_at timestamptz default now());
            insert into eventstore.migrations values ('{migration}')
            """
        );

        foreach (var attempt in (Func<Task>[])[() => MigrateAsync(store), () => RowsAsync(store, Script)])
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(attempt);
            Assert.Contains("drop schema eventstore cascade", refused.MessageText, StringComparison.Ordinal);
        }

        Assert.Equal([migration], await RowsAsync(store, "select name from eventstore.migrations"));
        await RowsAsync(store, "drop schema eventstore cascade");
        await MigrateAsync(store);
        Assert.Equal(["0"], await RowsAsync(store, "select eventstore.head()::text"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_migration_that_was_interrupted_goes_on(int applied)
    {
        await using var whole = await CreateMigratedAsync();
        await using var store = await CreateAsync();
        await RowsAsync(store, SchemaScript.Prepare.Sql);

        foreach (var script in SchemaScript.Tables.Take(applied))
            await RowsAsync(store, $"insert into eventstore.migrations values ('{script.Name}'); {script.Sql}");

        await MigrateAsync(store);

        Assert.Equal(await RowsAsync(whole, Schema), await RowsAsync(store, Schema));
    }

    [Fact]
    public async Task A_function_that_Postgres_refuses_leaves_all_as_they_were()
    {
        await using var store = await CreateMigratedAsync();
        await RowsAsync(
            store,
            """
            create or replace function eventstore.head() returns bigint language sql as 'select 7::bigint';
            drop function eventstore.reset();
            create function eventstore.reset() returns int language sql as 'select 7';
            delete from eventstore.migrations where name like 'functions %'
            """
        );

        var schema = await RowsAsync(store, Schema);
        await Assert.ThrowsAsync<PostgresException>(() => MigrateAsync(store));
        Assert.Equal(schema, await RowsAsync(store, Schema));
        Assert.Empty(await RowsAsync(store, "select name from eventstore.migrations where name like 'functions %'"));
    }

    [Fact]
    public async Task A_migration_that_waits_for_a_transaction_stops_no_other_one()
    {
        await using var store = await CreateMigratedAsync();
        // The function's file creates the trigger again, which waits for everybody who writes into the outbox.
        await RowsAsync(store, "delete from eventstore.migrations where name like 'functions %'");
        const string Insert = "insert into eventstore.outbox (topic, type, data) values ('t.1', 'n', '1')";
        Task migrating;
        await using (var connection = await store.OpenConnectionAsync(TestContext.Current.CancellationToken))
        await using (var open = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken))
        {
            await using var insert = new NpgsqlCommand(Insert, connection, open);
            await insert.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            migrating = MigrateAsync(store);
            await Eventually.HoldsAsync(
                async () =>
                    await RowsAsync(
                        store,
                        "select '' from pg_locks where relation = 'eventstore.outbox'::regclass and not granted"
                    )
                        is [_],
                "the migration waits"
            );
            await RowsAsync(store, Insert);
            Assert.False(migrating.IsCompleted);
        }

        await migrating;
        Assert.Single(await RowsAsync(store, "select name from eventstore.migrations where name like 'functions %'"));
    }

    [Fact]
    public async Task A_migration_forgets_the_functions_of_a_newer_version_which_it_replaces()
    {
        await using var store = await CreateMigratedAsync();
        await RowsAsync(
            store,
            """
            insert into eventstore.migrations (name, applied_at) values
                ('functions newer', clock_timestamp()), ('functions older', clock_timestamp() - interval '1 day')
            """
        );
        await MigrateAsync(store);
        Assert.Equal(
            ["functions older"],
            await RowsAsync(
                store,
                $"""
                select name from eventstore.migrations
                where name like 'functions %' and name <> '{SchemaScript.FunctionSet}'
                """
            )
        );
    }

    private static async Task<NpgsqlDataSource> CreateMigratedAsync() =>
        NpgsqlDataSource.Create(
            (await Stores.Shared.CreateMigratedAsync(TestContext.Current.CancellationToken)).ConnectionString
        );

    private static async Task<NpgsqlDataSource> CreateAsync() =>
        NpgsqlDataSource.Create(
            (await Stores.Shared.CreateDatabaseAsync(TestContext.Current.CancellationToken)).ConnectionString
        );

    private static Task MigrateAsync(NpgsqlDataSource store) =>
        new StoreMigrator(store, TimeProvider.System, NullLogger<StoreMigrator>.Instance).MigrateAsync(
            TestContext.Current.CancellationToken
        );

    private static async Task<List<string>> RowsAsync(NpgsqlDataSource store, string sql)
    {
        await using var command = store.CreateCommand(sql);
        await using var row = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var rows = new List<string>();
        while (await row.ReadAsync(TestContext.Current.CancellationToken))
            rows.Add(row.GetString(0));
        return rows;
    }
}
