using Integration.Delivery;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using StreamApi.Seeds.Storage;

namespace Integration.Seeds;

/// <summary>Deletion of the features' rows that ended long ago.</summary>
public sealed class EndedRowsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Only_rows_that_have_ended_and_whose_events_have_left_the_log_are_deleted()
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        await using var store = NpgsqlDataSource.Create(database.ConnectionString);
        using var host = HostOf(database);
        await store.ExecuteAsync(
            """
            insert into seeds.tasks select gen_random_uuid(), title, status, now() - interval '900 days', now() - age
            from (values ('done lately', 'done', interval '89 days'), ('open', 'todo', interval '500 days'),
                ('begun', 'in_progress', interval '500 days')) rows(title, status, age)
            union all select gen_random_uuid(), 'old', 'done', now(), now() - interval '91 days'
                from generate_series(1, 1500);

            insert into seeds.orders (id, pet_id, quantity, unit_price, status, created_at, updated_at, next_step_at)
            select gen_random_uuid(), '019b4132', 1, 1, status, now(), now() - age, next
            from (values ('shipped', interval '89 days', null), ('shipped', interval '91 days', null),
                ('preparing_shipment', interval '500 days', now() + interval '9 hours')) rows(status, age, next);

            insert into seeds.sessions (id, seen_at, next_at)
            select id, now() - age, next from (values ('stopped-lately', interval '89 days', null),
                ('stopped', interval '91 days', null), ('in-log', interval '91 days', null),
                ('in-outbox', interval '91 days', null), ('failed', interval '91 days', null),
                ('runs', interval '91 days', now() + interval '1 hour'))
                rows(id, age, next);

            -- The oldest events of the log.
            insert into eventstore.events (position, id, topic, type, data, time)
            select nextval('eventstore.position'), gen_random_uuid(), topic, 'message', '{"id":1}',
                now() - interval '90 days'
            from (values ('sse.resilient.in-log'), ('sse.resilient.stopped-lately')) topics(topic);
            insert into eventstore.events (position, id, topic, type, data, time)
            select nextval('eventstore.position'), gen_random_uuid(), topic, 'changed', '{}', updated_at
            from (
                select 'tasks.' || id, updated_at from seeds.tasks where title = 'done lately' union all
                select 'petstore.orders.' || id || '.status', updated_at from seeds.orders
                    where updated_at between now() - interval '90 days' and now() - interval '1 day'
            ) kept(topic, updated_at);
            insert into eventstore.outbox (topic, type, data) values
                ('sse.resilient.in-outbox', 'message', '{"id":1,"message":"m","retry_count":0}'),
                ('sse.resilient.failed.control', 'failed', '{}')
            """
        );

        using var rows = RowsOf(host);

        Assert.True(await rows.DeleteAsync(Stop));
        Assert.False(await rows.DeleteAsync(Stop));

        Assert.Equal(
            ["begun", "done lately", "open"],
            await ListAsync(store, "select title from seeds.tasks order by title")
        );

        Assert.Equal(
            ["preparing_shipment", "shipped"],
            await ListAsync(store, "select status from seeds.orders order by status")
        );

        Assert.Equal(
            ["failed", "in-log", "in-outbox", "runs", "stopped-lately"],
            await ListAsync(store, "select id from seeds.sessions order by id")
        );
    }

    [Fact]
    public async Task A_table_that_refuses_to_delete_keeps_no_old_rows_of_the_others()
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        await using var store = NpgsqlDataSource.Create(database.ConnectionString);
        await store.ExecuteAsync(
            """
            create function seeds.refuse() returns trigger language plpgsql as
                $$ begin raise exception 'kept'; end $$;
            create trigger refuse before delete on seeds.orders for each row execute function seeds.refuse();
            insert into seeds.orders (id, pet_id, quantity, unit_price, status, created_at, updated_at)
                values (gen_random_uuid(), '019b4132', 1, 1, 'shipped', now(), now() - interval '500 days');
            insert into seeds.tasks values (gen_random_uuid(), 'old', 'done', now(), now() - interval '500 days');
            insert into seeds.sessions (id, seen_at) values ('old', now() - interval '500 days')
            """
        );

        await using var system = await World.Start(o => o.Replicas(1).Database(database));
        await Eventually.HoldsAsync(
            async () => await CountAsync(store, "seeds.tasks") + await CountAsync(store, "seeds.sessions") == 0,
            "the old rows of the other tables are deleted"
        );
        Assert.Equal(1, await CountAsync(store, "seeds.orders"));
    }

    [Fact]
    public async Task A_row_that_is_changed_while_old_ones_are_deleted_stays()
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        await using var store = NpgsqlDataSource.Create(database.ConnectionString);
        using var host = HostOf(database);

        await store.ExecuteAsync(
            """
            insert into seeds.tasks
            select gen_random_uuid(), 'task ' || n, 'done', now(), now() - interval '91 days'
            from generate_series(1, 3) n
            """
        );

        using var rows = RowsOf(host);

        await using (var connection = await store.OpenConnectionAsync(Stop))
        {
            await using var change = await connection.BeginTransactionAsync(Stop);
            await using var command = connection.CreateCommand();
            command.CommandText = "update seeds.tasks set status = 'todo', updated_at = now() where title = 'task 2'";
            await command.ExecuteNonQueryAsync(Stop);

            // A batch that meets a busy store is tried again later.
            await Eventually.HoldsAsync(
                async () =>
                {
                    await rows.DeleteAsync(Stop);
                    return await CountAsync(store, "seeds.tasks") == 1;
                },
                "the rows that nobody changes are deleted"
            );
            await change.CommitAsync(Stop);
        }

        Assert.Equal(["task 2"], await ListAsync(store, "select title from seeds.tasks"));
    }

    private static IHost HostOf(NpgsqlConnectionStringBuilder database)
    {
        var builder = StoreOnlyHost.Of(database.ConnectionString);
        builder.AddSeedsStore();
        return builder.Build();
    }

    private static EndedRows RowsOf(IHost host) =>
        new(
            host.Services.GetRequiredService<SeedsStore>(),
            host.Services.GetRequiredService<TopicReader>(),
            TimeProvider.System,
            NullLogger<EndedRows>.Instance
        );

    private static Task<long> CountAsync(NpgsqlDataSource store, string table) =>
        store.AskAsync<long>($"select count(*) from {table}");

    private static async Task<string[]> ListAsync(NpgsqlDataSource store, string sql) =>
        await store.AskAsync<string[]>($"select array({sql})") ?? [];
}
