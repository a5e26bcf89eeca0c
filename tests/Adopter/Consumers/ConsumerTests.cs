using Harness;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Adopter.Consumers;

/// <summary>A consumer with a checkpoint, in an application that has nothing but the log in Postgres.</summary>
public sealed class ConsumerTests : IAsyncLifetime
{
    private string _connectionString = "";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _connectionString = (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString;
        await using var db = Contexts().CreateDbContext();
        await db.Database.GetService<IRelationalDatabaseCreator>().CreateTablesAsync(Stop);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task A_consumer_that_is_killed_a_hundred_times_has_each_effect_once()
    {
        const int Orders = 200;
        using var app = await StartAsync(_connectionString, consumes: false);
        var log = app.Services.GetRequiredService<IEventLog>();
        var killer = new Killer(100);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(Stop);

        var consuming = ConsumeAsync();
        for (var order = 1; order <= Orders; order++)
            await log.AppendAsync($"orders.{order}.paid", "paid", order, cancellationToken: Stop);

        await Eventually.HoldsAsync(async () => killer.Left == 0 && (await SalesAsync()).Length >= Orders);
        await ended.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => consuming);

        Assert.Equal(
            Enumerable.Range(1, Orders).Select(order => $"orders.{order}.paid"),
            (await SalesAsync()).Select(sale => sale.Order)
        );
        await app.StopAsync(Stop);

        async Task ConsumeAsync()
        {
            while (true)
            {
                try
                {
                    await Consumer(app.Services, Contexts(killer)).ConsumeAsync(ended.Token);
                }
                catch (KilledException) { }
            }
        }
    }

    [Fact]
    public async Task A_consumer_whose_process_is_killed_twenty_times_has_each_effect_once()
    {
        const int Kills = 20,
            OrdersPerKill = 10;
        using var app = await StartAsync(_connectionString, consumes: false);
        var log = app.Services.GetRequiredService<IEventLog>();
        var handled = 0;

        for (var kill = 1; kill <= Kills + 1; kill++)
        {
            await using var process = ConsumerProcess.Start(_connectionString);
            for (var order = 1; order <= OrdersPerKill; order++)
                await log.AppendAsync($"orders.{kill}-{order}.paid", "paid", order, cancellationToken: Stop);

            // Killed after one event or several; the last process handles all that is left.
            var enough = kill > Kills ? kill * OrdersPerKill : handled + 1 + kill % OrdersPerKill;
            await Eventually.HoldsAsync(
                async () => (handled = (await SalesAsync()).Length) >= enough,
                state: () => process.Output
            );
            foreach (var pid in process.Processes)
                Signals.Send(pid, Signals.Kill);
        }

        Assert.Equal(
            Enumerable
                .Range(0, (Kills + 1) * OrdersPerKill)
                .Select(n => $"orders.{n / OrdersPerKill + 1}-{n % OrdersPerKill + 1}.paid"),
            (await SalesAsync()).Select(sale => sale.Order)
        );
        await app.StopAsync(Stop);
    }

    [Fact]
    public async Task Of_two_consumers_of_one_name_one_works_and_the_other_succeeds_it()
    {
        using var one = await StartAsync(_connectionString, consumes: true);
        using var other = await StartAsync(_connectionString, consumes: true);
        var log = one.Services.GetRequiredService<IEventLog>();

        await AppendAsync(1, 20);
        var first = Assert.Single((await SalesAsync()).Select(sale => sale.By).Distinct());

        var (stopped, left) =
            one.Services.GetRequiredService<SalesConsumer>().Holder == first ? (one, other) : (other, one);
        await stopped.StopAsync(Stop);
        log = left.Services.GetRequiredService<IEventLog>();
        await AppendAsync(21, 20);

        var sales = await SalesAsync();
        Assert.Equal(Enumerable.Range(1, 40).Select(n => $"orders.{n}.paid"), sales.Select(sale => sale.Order));
        Assert.Equal(
            [left.Services.GetRequiredService<SalesConsumer>().Holder],
            sales.Skip(20).Select(sale => sale.By).Distinct()
        );
        await left.StopAsync(Stop);

        async Task AppendAsync(int from, int count)
        {
            for (var order = from; order < from + count; order++)
                await log.AppendAsync($"orders.{order}.paid", "paid", order, cancellationToken: Stop);
            await Eventually.HoldsAsync(async () => (await SalesAsync()).Length >= from + count - 1);
        }
    }

    internal static async Task<IHost> StartAsync(string database, bool consumes)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration["ConnectionStrings:eventstore"] = database;
        builder.AddEventStore();
        builder.Services.AddSingleton<IDbContextFactory<SalesDb>>(Contexts(database));
        builder.Services.AddSingleton<SalesConsumer>();
        if (consumes)
            builder.Services.AddHostedService(services => services.GetRequiredService<SalesConsumer>());

        var host = builder.Build();
        await host.StartAsync(Stop);
        return host;
    }

    private static SalesConsumer Consumer(IServiceProvider services, IDbContextFactory<SalesDb> contexts) =>
        new(
            services.GetRequiredService<IEventLog>(),
            contexts,
            services.GetRequiredService<LeaderLease>(),
            TimeProvider.System,
            NullLogger<SalesConsumer>.Instance
        );

    private PooledDbContextFactory<SalesDb> Contexts(Killer? killer = null) => Contexts(_connectionString, killer);

    private static PooledDbContextFactory<SalesDb> Contexts(string database, Killer? killer = null)
    {
        var options = new DbContextOptionsBuilder<SalesDb>().UseNpgsql(database);
        if (killer is not null)
            options.AddInterceptors(killer);
        return new PooledDbContextFactory<SalesDb>(options.Options);
    }

    private async Task<Sale[]> SalesAsync()
    {
        await using var db = Contexts().CreateDbContext();
        return await db.Sales.OrderBy(sale => sale.Id).ToArrayAsync(Stop);
    }
}
