using EventStore;
using Integration.Delivery;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using StreamApi.Seeds.Petstore;
using StreamApi.Seeds.Resilient;
using StreamApi.Seeds.Storage;
using StreamApi.Seeds.Tasks;

namespace Integration.Seeds;

/// <summary>Cost of the features' reads in rows, whatever Postgres takes the tables' size for.</summary>
public sealed class ReadCostTests
{
    private const int Limit = 100;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null)]
    [InlineData("done")]
    public async Task The_first_and_last_pages_of_many_tasks_cost_as_much_as_those_of_few(string? status)
    {
        using var host = await StartAsync();
        await using var store = await RowsRead.OneConnectionAsync(host, SeedsPool.Reads);
        var seeds = StoreOf(host, store);

        await FillAsync(5_000);
        var ofFew = await CostsAsync(store, "seeds", ReadAsync);
        await FillAsync(15_000);

        var ofMany = await CostsAsync(store, "seeds", ReadAsync);
        Assert.All(ofFew, rows => Assert.InRange(rows, Limit, 3 * Limit));
        Assert.All(ofMany.Zip(ofFew), rows => Assert.InRange(rows.First, Limit, rows.Second + 10));

        Task<int> FillAsync(int tasks) =>
            store.ExecuteAsync(
                $"""
                insert into seeds.tasks
                select gen_random_uuid(), 'one of many', (array['todo', 'in_progress', 'done'])[n % 3 + 1],
                    timestamptz '2026-01-01' + n / 50 * interval '1 s', timestamptz '2026-01-01' + n * interval '1 s'
                from (select n + (select count(*) from seeds.tasks) n from generate_series(1, {tasks}) n) numbers
                """
            );

        async Task<long> ReadAsync()
        {
            await using var context = seeds.CreateReader();
            var last = status is not null
                ? await context.Tasks.Where(t => t.Status == status).OrderBy(t => t.UpdatedAt).Skip(50).FirstAsync(Stop)
                : await context
                    .Tasks.OrderByDescending(t => t.CreatedAt)
                    .ThenByDescending(t => t.Id)
                    .Skip(50)
                    .FirstAsync(Stop);

            var before = await RowsRead.CountAsync(store, @"seeds\.");
            var first = await new TaskPage(Limit, status, null, null).ReadAsync(context);
            var at = status is not null ? last.UpdatedAt : last.CreatedAt;
            var end = await new TaskPage(Limit, status, last.Id, at).ReadAsync(context);

            Assert.Equal((Limit, true, 50, false), (first.Tasks.Count, first.More, end.Tasks.Count, end.More));
            return await RowsRead.CountAsync(store, @"seeds\.") - before;
        }
    }

    [Fact]
    public async Task A_users_newest_orders_cost_the_same_in_a_shop_with_many_orders()
    {
        using var host = await StartAsync();
        await using var store = await RowsRead.OneConnectionAsync(host, SeedsPool.Reads);
        var seeds = StoreOf(host, store);

        await FillAsync(5_000);
        var ofFew = await UsersAsync();
        await FillAsync(15_000);

        var ofMany = await UsersAsync();
        // An order may be counted in the index and in the table.
        Assert.All(ofMany.Zip(ofFew), rows => Assert.InRange(rows.First, 0, Math.Min(rows.Second + 10, 5 * 200)));

        Task<int> FillAsync(int orders) =>
            store.ExecuteAsync(
                $"""
                insert into seeds.orders (id, pet_id, user_id, quantity, unit_price, status, created_at, updated_at)
                select gen_random_uuid(), '019b4132', (array['regular', 'other'])[n % 2 + 1], 1, 1, 'shipped', now(),
                    now()
                from generate_series(1, {orders}) n
                """
            );

        async Task<long[]> UsersAsync() =>
            [
                .. await CostsAsync(store, "seeds", () => ReadAsync("regular", 200)),
                .. await CostsAsync(store, "seeds", () => ReadAsync("nobody", 0)),
            ];

        async Task<long> ReadAsync(string user, int orders)
        {
            await using var context = seeds.CreateReader();
            var before = await RowsRead.CountAsync(store, @"seeds\.");
            Assert.Equal(orders, (await Recommender.OrdersAsync(context, user)).Count);
            return await RowsRead.CountAsync(store, @"seeds\.") - before;
        }
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task A_session_is_read_with_few_rows_in_a_long_log_with_many_sessions(bool analyzed)
    {
        const int Messages = 10_000;
        using var host = await StartAsync();
        await using var store = await RowsRead.OneConnectionAsync(host, SeedsPool.Reads);
        using var sessions = new SessionDirectory(
            store,
            StoreOf(host, store),
            new TopicReader(store, new LineageReader(store)),
            new TopicPresence(new ReaderTimes(store), NoStreams.Registry(), TimeProvider.System),
            Options.Create(new ResilientOptions()),
            TimeProvider.System,
            NullLogger<SessionDirectory>.Instance
        );

        await store.ExecuteAsync(
            $$"""
            insert into seeds.sessions (id, seen_at, next_id, failed)
            select 's' || n, now(), {{Messages}} + 1, n <> 2 from generate_series(1, 10000) n;
            insert into eventstore.events (position, id, topic, type, data, time)
            select nextval('eventstore.position'), gen_random_uuid(), topic, type, '{"id":' || n || '}', now()
            from generate_series(1, {{Messages}}) n cross join (
                values ('sse.resilient.s2.control', 'retry'), ('sse.resilient.s1', 'message')) event(topic, type);
            insert into eventstore.events (position, id, topic, type, data, time)
            select nextval('eventstore.position'), gen_random_uuid(), 'sse.resilient.s1.control', 'failed', '{}', now()
            """
        );
        await SetStatisticsAsync(store, "eventstore", analyzed);
        await SetStatisticsAsync(store, "seeds", analyzed);

        var head = (await sessions.ReadAsync("s1", 0, Stop)).Head.Position;

        foreach (var ordinal in (int[])[1, Messages / 2, Messages - 1, Messages])
            // The plan for all values comes later than that for the first ones.
            for (var time = 0; time < 7; time++)
            {
                var (state, rows) = await ReadAsync("s1", ordinal);
                Assert.Equal(head - 1 - 2 * (Messages - ordinal), state.AtOrdinal?.Position);
                Assert.Equal((true, false, head), (state.HasFailed, state.IsRunning, state.FailedAt));
                Assert.True(rows <= 150, $"message {ordinal}, read {time + 1}: {rows} rows");
            }

        var (retried, searched) = await ReadAsync("s2", 0);
        Assert.Equal((null, head - 2 * 99 - 2), (retried.Errors.Last, retried.Errors.Since?.Position));
        Assert.InRange(searched, 100, 250);

        async Task<(SessionState State, long Rows)> ReadAsync(string id, long ordinal)
        {
            var before = await CountAsync();
            var state = await sessions.ReadAsync(id, ordinal, Stop);
            return (state, await CountAsync() - before);
        }

        async Task<long> CountAsync() =>
            await RowsRead.CountAsync(store, @"eventstore\.") + await RowsRead.CountAsync(store, @"seeds\.");
    }

    private static async Task<IHost> StartAsync()
    {
        var builder = StoreOnlyHost.Of((await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString);
        builder.AddSeedsStore();
        return builder.Build();
    }

    private static SeedsStore StoreOf(IHost host, NpgsqlDataSource store) =>
        new(
            host.Services.GetRequiredService<IDbContextFactory<SeedsContext>>(),
            store,
            new ReadTurns(TimeProvider.System)
        );

    /// <summary>Returns the rows of a read that Postgres plans without and with knowledge of the tables.</summary>
    private static async Task<long[]> CostsAsync(NpgsqlDataSource store, string schema, Func<Task<long>> readAsync)
    {
        var costs = new List<long>();
        foreach (var analyzed in (bool[])[false, true])
        {
            await SetStatisticsAsync(store, schema, analyzed);
            costs.Add(await readAsync());
        }

        return [.. costs];
    }

    /// <summary>Makes Postgres know a schema's tables, or take them for empty.</summary>
    private static async Task SetStatisticsAsync(NpgsqlDataSource store, string schema, bool analyzed)
    {
        await store.ExecuteAsync("analyze");
        if (!analyzed)
            await store.ExecuteAsync(
                $"""
                update pg_class set reltuples = 0, relpages = 1
                where relnamespace = '{schema}'::regnamespace and relkind in ('r', 'i')
                """
            );
    }
}
