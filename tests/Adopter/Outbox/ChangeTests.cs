using System.Data;
using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Npgsql;

namespace Adopter.Outbox;

/// <summary>A change goes on to its end, whatever becomes of its caller.</summary>
public sealed class ChangeTests(Shop shop) : IClassFixture<Shop>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Aspire's contexts have a strategy that retries.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_change_commits_its_rows_and_events_and_returns_what_it_says(bool retries)
    {
        var number = shop.Next();
        var answer = await shop.Contexts(retries)
            .ChangeAsync(
                db =>
                {
                    db.Add(new Item { Id = number, Name = "tea" });
                    db.Publish($"shops.{number}.added", "added", 1);
                    return Task.FromResult("done");
                },
                Stop
            );

        Assert.Equal(("done", true), (answer, await shop.HasItemAsync(number)));
        Assert.Equal(["added"], await shop.PublishedAsync(number));
    }

    [Fact]
    public async Task A_caller_that_hangs_up_ends_the_wait_and_not_the_change()
    {
        var number = shop.Next();
        var goesOn = new TaskCompletionSource();
        using var hangUp = new CancellationTokenSource();
        var changing = shop.Contexts()
            .ChangeAsync(
                async db =>
                {
                    await goesOn.Task;
                    db.Add(new Item { Id = number, Name = "tea" });
                    db.Publish($"shops.{number}.added", "added", 1);
                    return true;
                },
                hangUp.Token
            );

        await hangUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => changing);
        goesOn.SetResult();

        await Eventually.HoldsAsync(() => shop.HasItemAsync(number), "the change is committed");
        Assert.Equal(["added"], await shop.PublishedAsync(number));
    }

    /// <summary>The scope of a request ends with the wait, and a pool gives its contexts to the next one.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_change_that_goes_on_is_left_alone_by_other_requests(bool pooled)
    {
        var (number, others) = (shop.Next(), shop.Next());
        var services = new ServiceCollection();
        if (pooled)
            services.AddPooledDbContextFactory<ShopDb>(options => shop.Configure(options), poolSize: 1);
        else
            services.AddDbContextFactory<ShopDb>(options => shop.Configure(options));
        await using var provider = services.BuildServiceProvider();

        var goesOn = new TaskCompletionSource();
        using var hangUp = new CancellationTokenSource();
        await using (var request = provider.CreateAsyncScope())
        {
            var changing = request
                .ServiceProvider.GetRequiredService<IDbContextFactory<ShopDb>>()
                .ChangeAsync(
                    async db =>
                    {
                        db.Add(new Item { Id = number, Name = "tea" });
                        db.Publish($"shops.{number}.added", "added", 1);
                        await goesOn.Task;
                        return true;
                    },
                    hangUp.Token
                );
            await hangUp.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => changing);
        }

        await using var next = provider.GetRequiredService<IDbContextFactory<ShopDb>>().CreateDbContext();
        next.Add(new Item { Id = others, Name = "unsaved" });
        goesOn.SetResult();

        await Eventually.HoldsAsync(() => shop.HasItemAsync(number), "the change is committed");
        Assert.False(await shop.HasItemAsync(others));
        Assert.Equal(["added"], await shop.PublishedAsync(number));
    }

    [Fact]
    public async Task A_change_that_fails_leaves_nothing()
    {
        var number = shop.Next();
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            shop.Contexts()
                .ChangeAsync(
                    Task<int> (db) =>
                    {
                        db.Publish($"shops.{number}.added", "added", 1);
                        throw new InvalidOperationException("No.");
                    },
                    Stop
                )
        );
        Assert.Empty(await shop.PublishedAsync(number));
    }

    [Fact]
    public async Task A_save_that_fails_within_a_change_undoes_itself_alone()
    {
        var taken = shop.Next();
        await shop.AddItemAsync(taken);
        var number = shop.Next();
        await shop.Contexts()
            .ChangeAsync(
                async db =>
                {
                    db.Add(new Item { Id = number, Name = "tea" });
                    db.Publish($"shops.{number}.added", "added", 1);
                    await db.SaveChangesAsync(Stop);

                    db.Add(new Item { Id = taken, Name = "the same number" });
                    await Assert.ThrowsAsync<DbUpdateException>(() => db.SaveChangesAsync(Stop));
                    db.ChangeTracker.Clear();
                    return true;
                },
                Stop
            );

        Assert.True(await shop.HasItemAsync(number));
        Assert.Equal(["added"], await shop.PublishedAsync(number));
    }

    /// <summary>Postgres answers the commit of a transaction with a failed command by a rollback, without an
    /// error.</summary>
    [Fact]
    public async Task A_change_that_survives_a_failed_command_is_not_said_to_be_stored()
    {
        var number = shop.Next();
        await RefusedAsync<DbUpdateException>(
            number,
            async db =>
            {
                var failed = await Assert.ThrowsAsync<PostgresException>(() =>
                    db.Database.ExecuteSqlRawAsync("select 1 / 0", Stop)
                );
                Assert.Equal(PostgresErrorCodes.DivisionByZero, failed.SqlState);
            }
        );
    }

    /// <summary>Refusals that wait for the commit, as those of a deferred constraint.</summary>
    [Theory]
    [InlineData("22003")]
    [InlineData("23503")]
    [InlineData("40001")]
    [InlineData("P0001")]
    public Task A_commit_that_Postgres_refuses_is_no_outage(string code) => RefusedLateAsync<DbUpdateException>(code);

    [Theory]
    [InlineData("53100")]
    [InlineData("57P01")]
    public Task A_commit_that_Postgres_has_no_means_for_is_an_outage(string code) =>
        RefusedLateAsync<StoreUnavailableException>(code);

    /// <summary>Npgsql's 0 is no limit.</summary>
    [Theory]
    [InlineData("Command Timeout=0", null)]
    [InlineData("Command Timeout=1", 0)]
    [InlineData("Command Timeout=1", 60)]
    public async Task A_change_may_take_longer_than_a_command(string ofConnection, int? ofContext)
    {
        var number = shop.Next();
        await Contexts(ofConnection, ofContext)
            .ChangeAsync(
                async db =>
                {
                    await db.Database.ExecuteSqlAsync($"select pg_sleep(1.5)", Stop);
                    db.Add(new Item { Id = number, Name = "tea" });
                    db.Publish($"shops.{number}.added", "added", 1);
                },
                Stop
            );
        Assert.True(await shop.HasItemAsync(number));
        Assert.Equal(["added"], await shop.PublishedAsync(number));
    }

    [Fact]
    public async Task A_commit_that_takes_longer_than_the_context_s_commands_may_ends_the_wait_alone()
    {
        var number = shop.Next();
        await Assert.ThrowsAsync<TimeoutException>(() =>
            Contexts("Command Timeout=60", 1)
                .ChangeAsync(
                    async db =>
                    {
                        await db.Database.ExecuteSqlRawAsync(
                            """
                            create function pg_temp.wait() returns trigger language plpgsql as
                                $$ begin perform pg_sleep(2); return null; end $$;
                            create temp table late ();
                            create constraint trigger waits after insert on late deferrable initially deferred
                                for each row execute function pg_temp.wait();
                            insert into late default values
                            """,
                            Stop
                        );
                        db.Add(new Item { Id = number, Name = "tea" });
                    },
                    Stop
                )
        );
        await Eventually.HoldsAsync(() => shop.HasItemAsync(number), "the change is committed");
    }

    [Fact]
    public async Task A_change_has_the_isolation_level_that_its_caller_asks_for()
    {
        var level = await shop.Contexts(retries: true)
            .ChangeAsync(
                db => db.Database.SqlQuery<string>($"show transaction_isolation").ToListAsync(Stop),
                IsolationLevel.Serializable,
                Stop
            );
        Assert.Equal(["serializable"], level);
    }

    /// <summary>As caches and audits wait for it.</summary>
    [Fact]
    public async Task Interceptors_hear_of_the_commit_of_a_change_or_of_its_failure()
    {
        var hears = new Hears();
        var contexts = new PooledDbContextFactory<ShopDb>(shop.Options(retries: true, hears).Options);
        await contexts.ChangeAsync(db => Task.FromResult(db.Add(new Item { Id = shop.Next(), Name = "tea" })), Stop);
        Assert.Equal(["started", "committing", "committed"], hears.Heard);

        hears.Heard.Clear();
        await Assert.ThrowsAsync<DbUpdateException>(() =>
            contexts.ChangeAsync(
                async db =>
                {
                    await Assert.ThrowsAsync<PostgresException>(() =>
                        db.Database.ExecuteSqlRawAsync("select 1 / 0", Stop)
                    );
                    return true;
                },
                Stop
            )
        );
        Assert.Equal(["started", "committing", "failed"], hears.Heard);
    }

    private PooledDbContextFactory<ShopDb> Contexts(string ofConnection, int? ofContext)
    {
        var options = new DbContextOptionsBuilder<ShopDb>();
        options
            .UseNpgsql($"{shop.ConnectionString};{ofConnection}", npgsql => npgsql.CommandTimeout(ofContext))
            .UseSse();
        return new PooledDbContextFactory<ShopDb>(options.Options);
    }

    private async Task RefusedLateAsync<TException>(string code)
        where TException : Exception
    {
        var refused = await RefusedAsync<TException>(
            shop.Next(),
            db =>
                db.Database.ExecuteSqlRawAsync(
                    """
                    create function public.refuse() returns trigger language plpgsql as
                        $$ begin raise 'No.' using errcode = 'CODE'; end $$;
                    create table public.late ();
                    create constraint trigger refuses after insert on public.late deferrable initially deferred
                        for each row execute function public.refuse();
                    insert into public.late default values
                    """.Replace("CODE", code, StringComparison.Ordinal),
                    Stop
                )
        );
        Assert.Equal(code, Assert.IsType<PostgresException>(refused.InnerException).SqlState);
    }

    private async Task<TException> RefusedAsync<TException>(int number, Func<ShopDb, Task> end)
        where TException : Exception
    {
        var refused = await Assert.ThrowsAsync<TException>(() =>
            shop.Contexts()
                .ChangeAsync(
                    async db =>
                    {
                        db.Add(new Item { Id = number, Name = "tea" });
                        db.Publish($"shops.{number}.added", "added", 1);
                        await db.SaveChangesAsync(Stop);
                        await end(db);
                        return true;
                    },
                    Stop
                )
        );

        Assert.False(await shop.HasItemAsync(number));
        Assert.Empty(await shop.PublishedAsync(number));
        return refused;
    }

    private sealed class Hears : DbTransactionInterceptor
    {
        public List<string> Heard { get; } = [];

        public override ValueTask<DbTransaction> TransactionStartedAsync(
            DbConnection connection,
            TransactionEndEventData eventData,
            DbTransaction result,
            CancellationToken cancellationToken = default
        )
        {
            Heard.Add("started");
            return ValueTask.FromResult(result);
        }

        public override ValueTask<InterceptionResult> TransactionCommittingAsync(
            DbTransaction transaction,
            TransactionEventData eventData,
            InterceptionResult result,
            CancellationToken cancellationToken = default
        )
        {
            Heard.Add("committing");
            return ValueTask.FromResult(result);
        }

        public override Task TransactionCommittedAsync(
            DbTransaction transaction,
            TransactionEndEventData eventData,
            CancellationToken cancellationToken = default
        )
        {
            Heard.Add("committed");
            return Task.CompletedTask;
        }

        public override Task TransactionFailedAsync(
            DbTransaction transaction,
            TransactionErrorEventData eventData,
            CancellationToken cancellationToken = default
        )
        {
            Heard.Add("failed");
            return Task.CompletedTask;
        }
    }
}
