using EventStore;
using Integration.Delivery;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Stack;
using StreamApi.Seeds;
using StreamApi.Seeds.Petstore;
using StreamApi.Seeds.Storage;
using StreamApi.Seeds.Tasks;

namespace Integration.Seeds;

/// <summary>Cost of the features' reads in rows, whatever Postgres takes the tables' size for.</summary>
public sealed class ReadCostTests(StackFixture stack)
{
    private const int Limit = 100;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, false), InlineData(false, true), InlineData(true, false), InlineData(true, true)]
    public async Task The_first_and_last_pages_of_many_tasks_cost_as_much_as_those_of_few(bool ofStatus, bool analyzed)
    {
        using var host = await StartAsync();
        await using var store = await OneConnectionAsync(host);
        var contexts = Contexts<TasksContext>(host, store);
        await FillAsync(5_000);
        var ofFew = await RowsAsync();
        await FillAsync(40_000);
        var ofMany = await RowsAsync();
        Assert.InRange(ofFew, Limit, 3 * Limit);
        Assert.InRange(ofMany, Limit, ofFew + 10);

        async Task FillAsync(int tasks)
        {
            await ExecuteAsync(
                store,
                $"""
                insert into tasks.tasks
                select gen_random_uuid(), 'one of many', (array['todo', 'in_progress', 'done'])[n % 3 + 1],
                    timestamptz '2026-01-01' + n / 50 * interval '1 s', timestamptz '2026-01-01' + n * interval '1 s'
                from (select n + (select count(*) from tasks.tasks) n from generate_series(1, {tasks}) n) numbers
                """
            );
            await SetStatisticsAsync(store, "tasks", analyzed);
        }

        async Task<long> RowsAsync()
        {
            string? status = ofStatus ? "done" : null;
            await using var context = contexts.CreateDbContext();
            var last = ofStatus
                ? await context.Tasks.Where(t => t.Status == status).OrderBy(t => t.UpdatedAt).Skip(50).FirstAsync(Stop)
                : await context
                    .Tasks.OrderByDescending(t => t.CreatedAt)
                    .ThenByDescending(t => t.Id)
                    .Skip(50)
                    .FirstAsync(Stop);
            var before = await RowsReadAsync(store, "tasks");
            var first = await new TaskPage(Limit, status, null, null).ReadAsync(context, Stop);
            DateTime? changedAt = ofStatus ? last.UpdatedAt : null;
            var end = await new TaskPage(Limit, status, last.Id, changedAt).ReadAsync(context, Stop);
            Assert.Equal((Limit, true, 50, false), (first.Tasks.Count, first.More, end.Tasks.Count, end.More));
            return await RowsReadAsync(store, "tasks") - before;
        }
    }

    [Theory]
    [InlineData("regular", false), InlineData("regular", true), InlineData("nobody", false), InlineData("nobody", true)]
    public async Task A_users_newest_orders_cost_the_same_in_a_shop_with_many_orders(string user, bool analyzed)
    {
        using var host = await StartAsync();
        await using var store = await OneConnectionAsync(host);
        var contexts = Contexts<PetstoreContext>(host, store);
        await FillAsync(5_000);
        var ofFew = await RowsAsync();
        await FillAsync(40_000);
        var ofMany = await RowsAsync();
        Assert.InRange(ofMany, 0, Math.Min(ofFew + 10, 5 * 200)); // an order may be counted in the index and the table

        async Task FillAsync(int orders)
        {
            await ExecuteAsync(
                store,
                $"""
                insert into petstore.orders (id, pet_id, user_id, quantity, unit_price, status, created_at, updated_at)
                select gen_random_uuid(), '019b4132', (array['regular', 'other'])[n % 2 + 1], 1, 1, 'shipped', now(),
                    now()
                from generate_series(1, {orders}) n
                """
            );
            await SetStatisticsAsync(store, "petstore", analyzed);
        }

        async Task<long> RowsAsync()
        {
            await using var context = contexts.CreateDbContext();
            var before = await RowsReadAsync(store, "petstore");
            Assert.Equal(user == "nobody" ? 0 : 200, (await Recommender.OrdersAsync(context, user)).Count);
            return await RowsReadAsync(store, "petstore") - before;
        }
    }

    private async Task<IHost> StartAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration["ConnectionStrings:eventstore"] = (
            await MigratedDatabase.CreateAsync(stack, Stop)
        ).ConnectionString;
        builder.Services.AddMetrics();
        builder.AddEventStore();
        builder.Services.AddSeedStores();
        return builder.Build();
    }

    private static ReadContexts<T> Contexts<T>(IHost host, NpgsqlDataSource store)
        where T : EventContext => new(host.Services.GetRequiredService<IDbContextFactory<T>>(), store);

    /// <summary>One connection with the settings of the pool for reads: its session can be asked for the rows that it
    /// has read.</summary>
    private static async Task<NpgsqlDataSource> OneConnectionAsync(IHost host)
    {
        var reads = host.Services.GetRequiredKeyedService<NpgsqlDataSource>(StorePool.Reads);
        await using var connection = await reads.OpenConnectionAsync(Stop);
        return NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(
                host.Services.GetRequiredService<IConfiguration>().GetConnectionString("eventstore")
            )
            {
                MaxPoolSize = 1,
                NoResetOnClose = true,
                Options = new NpgsqlConnectionStringBuilder(reads.ConnectionString).Options,
            }
        );
    }

    /// <summary>Makes Postgres know a schema's tables, or take them for empty.</summary>
    private static async Task SetStatisticsAsync(NpgsqlDataSource store, string schema, bool analyzed)
    {
        await ExecuteAsync(store, "analyze");
        if (!analyzed)
            await ExecuteAsync(
                store,
                $"""
                update pg_class set reltuples = 0, relpages = 1
                where relnamespace = '{schema}'::regnamespace and relkind in ('r', 'i')
                """
            );
    }

    private static async Task<long> RowsReadAsync(NpgsqlDataSource store, string schema)
    {
        await ExecuteAsync(store, "select pg_stat_force_next_flush()");
        await using var command = store.CreateCommand(
            $"""
            select (select sum(idx_tup_read) from pg_stat_user_indexes where schemaname = '{schema}')
                 + (select sum(seq_tup_read) from pg_stat_user_tables where schemaname = '{schema}')
            """
        );
        return (long)(decimal)(await command.ExecuteScalarAsync(Stop))!;
    }

    private static async Task ExecuteAsync(NpgsqlDataSource store, string sql)
    {
        await using var command = store.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Stop);
    }
}
