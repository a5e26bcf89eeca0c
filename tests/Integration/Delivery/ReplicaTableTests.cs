using Npgsql;
using StreamApi;
using StreamApi.Replicas;

namespace Integration.Delivery;

/// <summary>The table of the replicas that run now: StreamApi's own, or taken over from the log of an older
/// version.</summary>
public sealed class ReplicaTableTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>A view of it there would break the restore of a dump of the log's schema alone.</summary>
    [Fact]
    public async Task A_new_database_has_it_in_StreamApis_schema_alone()
    {
        var database = await Stores.Shared.CreateDatabaseAsync(Stop);
        await using var store = NpgsqlDataSource.Create(database.ConnectionString);
        await MigrateAsync(database);
        Assert.Equal(["streamapi.replicas r"], (await store.AskAsync<string[]>(Named))!);
    }

    [Fact]
    public async Task The_table_of_an_older_version_is_taken_over_and_its_replicas_use_it_still()
    {
        var database = await Stores.Shared.CreateDatabaseAsync(Stop);
        await using var store = NpgsqlDataSource.Create(database.ConnectionString);
        var role = $"old_{Guid.NewGuid():N}";
        await store.ExecuteAsync(EventStoreSchema.Script());
        await store.ExecuteAsync(
            $"""
            create unlogged table eventstore.replicas (
                name text primary key, state jsonb not null, seen_at timestamptz not null);
            create role {role};
            grant usage on schema eventstore to {role};
            grant select, insert, update, delete on all tables in schema eventstore to {role};
            insert into eventstore.replicas values ('before', '1', clock_timestamp())
            """
        );

        await MigrateAsync(database);
        Assert.Equal(["eventstore.replicas v", "streamapi.replicas r"], (await store.AskAsync<string[]>(Named))!);

        // As a replica of that version does.
        await using (var old = await store.OpenConnectionAsync(Stop))
        {
            await using var command = new NpgsqlCommand(
                $"""
                set role {role};
                insert into eventstore.replicas values ('old', '2'::jsonb, clock_timestamp())
                on conflict (name) do update set state = excluded.state, seen_at = excluded.seen_at;
                insert into eventstore.replicas values ('old', '3'::jsonb, clock_timestamp())
                on conflict (name) do update set state = excluded.state, seen_at = excluded.seen_at;
                delete from eventstore.replicas where name = 'before';
                reset role
                """,
                old
            );
            await command.ExecuteNonQueryAsync(Stop);
        }

        var table = new ReplicaTable(store);
        await table.SetAsync("new", "4", Stop);
        var others = await table.OthersAsync("new", TimeSpan.Zero, TimeSpan.FromMinutes(1), Stop);
        Assert.Equal(["3"], others.Select(other => other.State));
        Assert.Equal(2, await store.AskAsync<long>("select count(*) from eventstore.replicas"));

        await table.RemoveAsync("old", Stop);
        Assert.Empty(await table.OthersAsync("new", TimeSpan.Zero, TimeSpan.FromMinutes(1), Stop));
        await store.ExecuteAsync($"drop owned by {role}; drop role {role}");
    }

    /// <summary>The tables and views of that name, each with its kind.</summary>
    private const string Named = """
        select array_agg(relnamespace::regnamespace::text || '.' || relname || ' ' || relkind::text
            order by relnamespace::regnamespace::text)
        from pg_class where relname = 'replicas'
        """;

    private static async Task MigrateAsync(NpgsqlConnectionStringBuilder database) =>
        Assert.Equal(
            0,
            await Migration.RunAsync([
                "--ConnectionStrings:eventstore",
                database.ConnectionString,
                "--Logging:LogLevel:Default",
                "Warning",
            ])
        );
}
