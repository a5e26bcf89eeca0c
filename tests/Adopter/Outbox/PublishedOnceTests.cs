using System.Transactions;
using Adopter.Databases;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Npgsql;

namespace Adopter.Outbox;

/// <summary>Events commit with the changes of a context, or not at all, and once, however it saves.</summary>
public sealed class PublishedOnceTests(Shop shop) : IClassFixture<Shop>
{
    private readonly int _id = shop.Next();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_model_that_changes_all_of_its_types_publishes_in_the_order_of_the_calls(bool sync, bool retries)
    {
        await using var db = shop.Open(retries);
        for (var i = 0; i < 50; i++)
            db.PublishItem(_id, $"before-{i}");
        db.Add(new Item { Id = _id, Name = "tea" });
        db.PublishItem(_id, "after");
        Assert.Equal(1, await db.SaveAsync(sync));

        // Nothing but events.
        db.PublishItem(_id, "alone");
        Assert.Equal(0, await db.SaveAsync(sync));
        Assert.Equal(0, await db.SaveAsync(sync));

        Assert.DoesNotContain(db.ChangeTracker.Entries(), entry => entry.Entity is not Item);
        Assert.True(await shop.HasItemAsync(_id));
        string[] expected = [.. Enumerable.Range(0, 50).Select(i => $"before-{i}"), "after", "alone"];
        Assert.Equal(expected, await shop.PublishedAsync(_id));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_transaction_publishes_at_its_commit_and_nothing_if_it_is_rolled_back(bool sync)
    {
        await using (var db = shop.Open())
        {
            await using var transaction = await db.Database.BeginTransactionAsync(Stop);
            db.Add(new Item { Id = _id, Name = "tea" });
            db.PublishItem(_id, "one");
            await db.SaveAsync(sync);
            db.PublishItem(_id, "two");
            await db.SaveAsync(sync);
            Assert.Empty(await shop.PublishedAsync(_id));
            await transaction.CommitAsync(Stop);
        }

        await using (var db = shop.Open())
        {
            await using var transaction = await db.Database.BeginTransactionAsync(Stop);
            db.PublishItem(_id, "undone");
            await db.SaveAsync(sync);
            await transaction.RollbackAsync(Stop);
            await db.SaveAsync(sync);
        }

        await using (var db = shop.Open())
        using (var scope = new TransactionScope(TransactionScopeAsyncFlowOption.Enabled))
        {
            db.PublishItem(_id, "ambient");
            await db.SaveAsync(sync);
            scope.Complete();
        }

        Assert.Equal(["one", "two", "ambient"], await shop.PublishedAsync(_id));
    }

    /// <summary>Postgres prepares no transaction that has notified, and an ambient one is prepared once a second
    /// connection takes part.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_save_in_an_ambient_transaction_notifies_nobody(bool sync, bool enlists)
    {
        const string channel = "eventstore_outbox";
        await using var listener = new NpgsqlConnection(shop.ConnectionString);
        await listener.OpenAsync(Stop);
        var notified = new List<string>();
        listener.Notification += (_, e) => notified.Add(e.Payload);
        await using (var listen = new NpgsqlCommand($"listen {channel}", listener))
            await listen.ExecuteNonQueryAsync(Stop);

        await using (var db = shop.Open())
        {
            if (enlists)
                await db.Database.OpenConnectionAsync(Stop);
            using var scope = new TransactionScope(TransactionScopeAsyncFlowOption.Enabled);
            if (enlists)
                db.Database.EnlistTransaction(Transaction.Current);
            db.PublishItem(_id, "ambient");
            await db.SaveAsync(sync);
            scope.Complete();
        }

        await DatabaseQuestions.AskAsync(shop.ConnectionString, $"select pg_notify('{channel}', 'later')");
        await Eventually.HoldsAsync(
            async () =>
            {
                await listener.WaitAsync(Stop);
                return notified.Contains("later");
            },
            "the later notification arrives"
        );
        Assert.Equal(["later"], notified);
        Assert.Equal(["ambient"], await shop.PublishedAsync(_id));
    }

    /// <summary>As a context keeps its changes, so that its caller can correct one and save again.</summary>
    [Theory]
    [InlineData(false, false, false)]
    [InlineData(false, true, false)]
    [InlineData(true, false, false)]
    [InlineData(true, true, true)]
    public async Task A_save_that_fails_publishes_nothing_and_the_next_one_does(bool sync, bool explicitly, bool never)
    {
        await shop.AddItemAsync(_id);
        await using var db = shop.Open();
        db.Database.AutoTransactionBehavior = never
            ? AutoTransactionBehavior.Never
            : AutoTransactionBehavior.WhenNeeded;
        await using var transaction = explicitly ? await db.Database.BeginTransactionAsync(Stop) : null;

        var item = new Item { Id = _id, Name = "the same number" };
        db.Add(item);
        db.PublishItem(_id, "added");
        await Assert.ThrowsAsync<DbUpdateException>(() => db.SaveAsync(sync));
        if (transaction is null)
            Assert.Empty(await shop.PublishedAsync(_id));

        db.Entry(item).State = EntityState.Detached;
        db.Add(new Item { Id = shop.Next() + 100_000, Name = "tea" });
        await db.SaveAsync(sync);
        await db.SaveAsync(sync);
        if (transaction is not null)
            await transaction.CommitAsync(Stop);

        Assert.Equal(["added"], await shop.PublishedAsync(_id));
    }

    [Fact]
    public async Task A_change_that_another_one_has_overtaken_publishes_nothing()
    {
        await shop.AddItemAsync(_id);
        await using var db = shop.Open();
        var item = await db.Items.SingleAsync(i => i.Id == _id, Stop);
        await using (var other = shop.Open())
        {
            (await other.Items.SingleAsync(i => i.Id == _id, Stop)).Name = "coffee";
            await other.SaveChangesAsync(Stop);
        }

        item.Name = "juice";
        db.PublishItem(_id, "renamed");
        await Assert.ThrowsAsync<DbUpdateConcurrencyException>(() => db.SaveChangesAsync(Stop));
        Assert.Equal(AutoTransactionBehavior.WhenNeeded, db.Database.AutoTransactionBehavior);
        Assert.Empty(await shop.PublishedAsync(_id));

        await db.Entry(item).ReloadAsync(Stop);
        item.Name = "juice";
        await db.SaveChangesAsync(Stop);
        Assert.Equal(["renamed"], await shop.PublishedAsync(_id));
    }

    /// <summary>An update happens twice without a trace; its events must not.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_answer_of_a_commit_that_is_lost_doubles_no_event(bool sync)
    {
        await shop.AddItemAsync(_id);
        var loses = new LosesOneAnswer();
        await using var db = shop.Open(retries: true, loses);
        await db.Items.LoadAsync(Stop);
        // Changed without its token, so that the second update finds the row.
        db.Entry(db.Items.Local.Single(i => i.Id == _id)).Property<DateTime>("ChangedAt").IsModified = true;
        db.PublishItem(_id, "updated");
        db.PublishItem(_id, "told");
        await db.SaveAsync(sync);
        Assert.Equal(2, loses.Commits);

        await using (var alone = shop.Open(retries: true, new LosesOneAnswer()))
        {
            alone.PublishItem(_id, "alone");
            await alone.SaveAsync(sync);
        }

        Assert.Equal(["updated", "told", "alone"], await shop.PublishedAsync(_id));
    }

    /// <summary>The documented way to survive a lost commit: changes stay until the transaction is known to be
    /// committed.</summary>
    [Fact]
    public async Task Changes_that_are_accepted_after_the_transaction_keep_their_events_until_then()
    {
        var loses = new LosesOneAnswer { BeforeTheCommit = true };
        await using var db = shop.Open(retries: true, loses);
        db.Add(new Item { Id = _id, Name = "tea" });
        db.PublishItem(_id, "added");

        await db
            .Database.CreateExecutionStrategy()
            .ExecuteInTransactionAsync(
                db,
                (context, stop) => context.SaveChangesAsync(acceptAllChangesOnSuccess: false, stop),
                (_, _) => shop.HasItemAsync(_id),
                Stop
            );
        Assert.Equal(2, loses.Commits);
        db.ChangeTracker.AcceptAllChanges();

        db.PublishItem(_id, "more");
        await db.SaveChangesAsync(Stop);
        Assert.Equal(["added", "more"], await shop.PublishedAsync(_id));
    }

    [Fact]
    public async Task A_context_of_a_pool_publishes_nothing_of_the_request_before()
    {
        var pool = new PooledDbContextFactory<ShopDb>(shop.Options(retries: true).Options, poolSize: 1);
        await using (var first = pool.CreateDbContext())
            first.PublishItem(_id, "forgotten");

        await using (var second = pool.CreateDbContext())
        {
            second.PublishItem(_id, "own");
            await second.SaveChangesAsync(Stop);
        }

        Assert.Equal(["own"], await shop.PublishedAsync(_id));
    }

    [Fact]
    public async Task A_context_that_forgets_its_changes_forgets_their_events()
    {
        await using var db = shop.Open();
        db.Add(new Item { Id = _id, Name = "tea" });
        db.PublishItem(_id, "forgotten");
        db.ChangeTracker.Clear();
        db.PublishItem(_id, "own");
        await db.SaveChangesAsync(Stop);
        Assert.Equal(["own"], await shop.PublishedAsync(_id));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_interceptor_publishes_and_one_that_prevents_the_save_prevents_the_events(bool sync)
    {
        await using (var db = shop.Open(retries: false, new PublishesWhenSaving(_id)))
        {
            db.Add(new Item { Id = _id, Name = "tea" });
            await db.SaveAsync(sync);
        }

        await using (var db = shop.Open(retries: false, new Prevents()))
        {
            db.Add(new Item { Id = _id, Name = "again" });
            db.PublishItem(_id, "prevented");
            await db.SaveAsync(sync);
        }

        await using (var db = shop.Open(retries: false, new Prevents()))
        {
            db.PublishItem(_id, "prevented alone");
            await db.SaveAsync(sync);
        }

        Assert.Equal(["saving"], await shop.PublishedAsync(_id));
    }

    /// <summary>The outbox has limits that the log has not: the call that exceeds them fails, not the save.</summary>
    [Fact]
    public async Task What_the_outbox_would_refuse_is_refused_by_the_call()
    {
        await using var db = shop.Open();
        db.Add(new Item { Id = _id, Name = "tea" });
        Assert.Throws<ArgumentException>(() => db.Publish("shops.1", "n", new string('x', 1_048_575)));
        Assert.Throws<ArgumentException>(() => db.Publish("shops.1", new string('n', 257), 1));
        Assert.Throws<ArgumentException>(() => db.Publish("shops.1", "n", 1, "\0"));
        Assert.Throws<ArgumentException>(() => db.Publish("shops.1", "n", 1, "\uD800"));
        Assert.Throws<ArgumentException>(() => db.Publish(string.Join('.', Enumerable.Repeat("t", 33)), "n", 1));
        await db.SaveChangesAsync(Stop);
        Assert.True(await shop.HasItemAsync(_id));
    }

    /// <summary>As in a seeder or a unit test.</summary>
    [Fact]
    public async Task A_context_of_a_container_without_an_application_publishes()
    {
        await using var services = new ServiceCollection()
            .AddDbContext<ShopDb>(options => options.UseNpgsql(shop.ConnectionString).UseSse())
            .BuildServiceProvider();
        await using var scope = services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<ShopDb>();
        db.PublishItem(_id, "seeded");
        await db.SaveChangesAsync(Stop);
        Assert.Equal(["seeded"], await shop.PublishedAsync(_id));
    }

    private sealed class PublishesWhenSaving(int id) : SaveChangesInterceptor
    {
        public override InterceptionResult<int> SavingChanges(
            DbContextEventData eventData,
            InterceptionResult<int> result
        )
        {
            eventData.Context!.Publish($"shops.{id}.item", "saving", 1);
            return result;
        }

        public override ValueTask<InterceptionResult<int>> SavingChangesAsync(
            DbContextEventData eventData,
            InterceptionResult<int> result,
            CancellationToken cancellationToken = default
        ) => ValueTask.FromResult(SavingChanges(eventData, result));
    }

    private sealed class Prevents : SaveChangesInterceptor
    {
        public override InterceptionResult<int> SavingChanges(
            DbContextEventData eventData,
            InterceptionResult<int> result
        ) => InterceptionResult<int>.SuppressWithResult(1);

        public override ValueTask<InterceptionResult<int>> SavingChangesAsync(
            DbContextEventData eventData,
            InterceptionResult<int> result,
            CancellationToken cancellationToken = default
        ) => ValueTask.FromResult(SavingChanges(eventData, result));
    }
}
