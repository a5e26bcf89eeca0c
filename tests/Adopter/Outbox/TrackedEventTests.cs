using System.Transactions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;

namespace Adopter.Outbox;

/// <summary>A context tracks the events that wait for its save as it tracks changes, without a table.</summary>
public sealed class TrackedEventTests(Shop shop) : IClassFixture<Shop>
{
    private readonly int _id = shop.Next();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_context_has_changes_while_only_events_wait(bool sync)
    {
        await using var db = shop.Open();
        Assert.False(db.ChangeTracker.HasChanges());
        db.PublishItem(_id, "one");
        Assert.True(db.ChangeTracker.HasChanges());

        await db.SaveAsync(sync);
        Assert.False(db.ChangeTracker.HasChanges());
        Assert.Empty(db.ChangeTracker.Entries());
        Assert.Equal(["one"], await shop.PublishedAsync(_id));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_commit_that_would_lose_an_event_is_refused(bool sync)
    {
        await using var db = shop.Open();
        await using var transaction = await db.Database.BeginTransactionAsync(Stop);
        db.PublishItem(_id, "one");
        await db.SaveAsync(sync);
        db.PublishItem(_id, "two");

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(CommitAsync);
        Assert.Contains("SaveChangesAsync", refused.Message, StringComparison.Ordinal);

        await db.SaveAsync(sync);
        await CommitAsync();
        Assert.Equal(["one", "two"], await shop.PublishedAsync(_id));

        async Task CommitAsync()
        {
            if (sync)
                // ReSharper disable once MethodHasAsyncOverload
                transaction.Commit();
            else
                await transaction.CommitAsync(Stop);
        }
    }

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(true, false, false)]
    [InlineData(true, true, false)]
    [InlineData(true, false, true)]
    public async Task An_ambient_transaction_that_would_lose_an_event_is_rolled_back(
        bool saves,
        bool enlists,
        bool isDisposedBefore
    )
    {
        var db = shop.Open();
        if (enlists)
            await db.Database.OpenConnectionAsync(Stop);
        var scope = new TransactionScope(TransactionScopeAsyncFlowOption.Enabled);
        if (enlists)
            db.Database.EnlistTransaction(Transaction.Current);
        if (saves)
        {
            db.Add(new Item { Id = _id, Name = "tea" });
            db.PublishItem(_id, "one");
            await db.SaveChangesAsync(Stop);
        }

        db.PublishItem(_id, "two");
        if (isDisposedBefore)
            await db.DisposeAsync();
        scope.Complete();

        var aborted = Assert.Throws<TransactionAbortedException>(scope.Dispose);
        Assert.Contains("SaveChangesAsync", aborted.InnerException!.Message, StringComparison.Ordinal);
        Assert.False(await shop.HasItemAsync(_id));
        Assert.Empty(await shop.PublishedAsync(_id));
        await db.DisposeAsync();
    }

    [Fact]
    public async Task An_ambient_transaction_leaves_alone_events_that_were_published_before_it_or_are_forgotten()
    {
        await using var db = shop.Open();
        db.PublishItem(_id, "before");
        using (var scope = new TransactionScope(TransactionScopeAsyncFlowOption.Enabled))
        {
            await using var other = shop.Open();
            other.PublishItem(_id, "forgotten");
            other.ChangeTracker.Clear();
            other.PublishItem(_id, "saved");
            await other.SaveChangesAsync(Stop);
            scope.Complete();
        }

        await db.SaveChangesAsync(Stop);
        Assert.Equal(["saved", "before"], await shop.PublishedAsync(_id));
    }

    [Fact]
    public async Task A_commit_without_the_events_of_a_save_that_failed_is_refused()
    {
        await shop.AddItemAsync(_id);
        await using var db = shop.Open();
        await using var transaction = await db.Database.BeginTransactionAsync(Stop);
        db.Add(new Item { Id = _id, Name = "the same number" });
        db.PublishItem(_id, "one");
        await Assert.ThrowsAsync<DbUpdateException>(() => db.SaveChangesAsync(Stop));
        await Assert.ThrowsAsync<InvalidOperationException>(() => transaction.CommitAsync(Stop));
    }

    [Fact]
    public async Task A_commit_leaves_alone_events_that_were_published_before_its_transaction_or_are_forgotten()
    {
        await using var db = shop.Open();
        db.PublishItem(_id, "before");
        await using (var transaction = await db.Database.BeginTransactionAsync(Stop))
        {
            await db.Database.ExecuteSqlAsync($"select 1", Stop);
            await transaction.CommitAsync(Stop);
        }

        await db.SaveChangesAsync(Stop);
        await using (var transaction = await db.Database.BeginTransactionAsync(Stop))
        {
            db.PublishItem(_id, "forgotten");
            db.ChangeTracker.Clear();
            await transaction.CommitAsync(Stop);
        }

        Assert.Equal(["before"], await shop.PublishedAsync(_id));
    }

    [Fact]
    public async Task Two_contexts_on_one_connection_publish_in_the_order_of_their_saves_or_not_at_all()
    {
        await using var connection = new NpgsqlConnection(shop.ConnectionString);
        await connection.OpenAsync(Stop);
        await using var one = Open(connection);
        await using var two = Open(connection);

        foreach (var commits in (bool[])[false, true])
        {
            await using var transaction = await one.Database.BeginTransactionAsync(Stop);
            await two.Database.UseTransactionAsync(transaction.GetDbTransaction(), Stop);
            two.PublishItem(_id, $"first-{commits}");
            await two.SaveChangesAsync(Stop);
            one.PublishItem(_id, $"second-{commits}");
            await one.SaveChangesAsync(Stop);
            if (commits)
                await transaction.CommitAsync(Stop);
            await two.Database.UseTransactionAsync(null, Stop);
        }

        Assert.Equal(["first-True", "second-True"], await shop.PublishedAsync(_id));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_commit_that_would_lose_an_event_of_another_context_on_its_connection_is_refused(bool isDisposed)
    {
        await using var connection = new NpgsqlConnection(shop.ConnectionString);
        await connection.OpenAsync(Stop);
        await using var one = Open(connection);
        var two = Open(connection);
        await using var transaction = await one.Database.BeginTransactionAsync(Stop);
        await two.Database.UseTransactionAsync(transaction.GetDbTransaction(), Stop);
        two.PublishItem(_id, "two");
        if (isDisposed)
            await two.DisposeAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => transaction.CommitAsync(Stop));
        await transaction.RollbackAsync(Stop);

        // The next transaction of a connection is another one.
        await using (var next = await one.Database.BeginTransactionAsync(Stop))
        {
            one.PublishItem(_id, "one");
            await one.SaveChangesAsync(Stop);
            await next.CommitAsync(Stop);
        }

        Assert.Equal(["one"], await shop.PublishedAsync(_id));
        await two.DisposeAsync();
    }

    [Fact]
    public async Task The_model_differs_in_nothing_that_a_migration_would_create()
    {
        await using var db = shop.Open();
        var plain = new DbContextOptionsBuilder<ShopDb>();
        plain.UseNpgsql(shop.ConnectionString);
        await using var without = new ShopDb(plain.Options);

        Assert.Empty(db.GetService<IMigrationsModelDiffer>().GetDifferences(Relational(without), Relational(db)));
        Assert.Equal(without.Database.GenerateCreateScript(), db.Database.GenerateCreateScript());

        static IRelationalModel Relational(ShopDb context) =>
            context.GetService<IDesignTimeModel>().Model.GetRelationalModel();
    }

    [Fact]
    public async Task A_model_that_was_made_before_publishes_and_one_without_events_says_so()
    {
        await using var db = shop.Open();
        await using (var made = new ShopDb(shop.Options(retries: false).UseModel(db.Model).Options))
        {
            made.PublishItem(_id, "one");
            await made.SaveChangesAsync(Stop);
        }

        var plain = new DbContextOptionsBuilder<ShopDb>();
        plain.UseNpgsql(shop.ConnectionString);
        await using var without = new ShopDb(plain.Options);
        await using var old = new ShopDb(shop.Options(retries: false).UseModel(without.Model).Options);
        var refused = Assert.Throws<InvalidOperationException>(() => old.PublishItem(_id, "two"));
        Assert.Contains("compiled model", refused.Message, StringComparison.Ordinal);
        Assert.Equal(["one"], await shop.PublishedAsync(_id));
    }

    /// <summary>Options may be built in any order.</summary>
    [Fact]
    public async Task A_context_publishes_whose_options_name_the_log_before_the_database()
    {
        var options = new DbContextOptionsBuilder<ShopDb>();
        options.UseSse().UseNpgsql(shop.ConnectionString);
        await using var db = new ShopDb(options.Options);
        db.Add(new Item { Id = _id, Name = "tea" });
        db.PublishItem(_id, "one");
        await db.SaveChangesAsync(Stop);
        Assert.Equal(["one"], await shop.PublishedAsync(_id));
    }

    /// <summary>A block was compared with each of the events before it.</summary>
    [Fact]
    public async Task A_block_that_is_repeated_costs_no_more_than_its_events()
    {
        var options = new DbContextOptionsBuilder<ShopDb>();
        options
            .UseNpgsql(shop.ConnectionString, npgsql => npgsql.ExecutionStrategy(made => new RepeatsOnce(made)))
            .UseSse();
        await using var db = new ShopDb(options.Options);
        var attempts = 0;
        var begun = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < 20_000; i++)
            db.PublishItem(_id, "waits");
        db.Database.CreateExecutionStrategy()
            .Execute(() =>
            {
                if (++attempts == 1)
                    throw new TimeoutException();
            });

        Assert.Equal(2, attempts);
        Assert.Equal(20_000, db.ChangeTracker.Entries<OutboxEvent>().Count());
        Assert.InRange(TimeProvider.System.GetElapsedTime(begun), TimeSpan.Zero, TimeSpan.FromSeconds(15));
    }

    [Fact]
    public async Task An_event_that_is_appended_after_the_wait_follows_those_of_the_save()
    {
        await using var db = shop.Open();
        for (var i = 0; i < 50; i++)
        {
            db.PublishItem(_id, $"created-{i}");
            await db.SaveChangesAsync(Stop);
            await db.WaitUntilPublishedAsync(Stop);
            await shop.Log.AppendAsync($"shops.{_id}.item", $"paid-{i}", 1, cancellationToken: Stop);
        }

        Assert.Equal(
            Enumerable.Range(0, 50).SelectMany(i => (string[])[$"created-{i}", $"paid-{i}"]),
            await shop.PublishedAsync(_id)
        );
    }

    [Fact]
    public async Task A_wait_within_a_transaction_would_never_end_and_is_refused()
    {
        await using var db = shop.Open();
        await using var transaction = await db.Database.BeginTransactionAsync(Stop);
        await Assert.ThrowsAsync<InvalidOperationException>(() => db.WaitUntilPublishedAsync(Stop));
    }

    private static ShopDb Open(NpgsqlConnection connection)
    {
        var options = new DbContextOptionsBuilder<ShopDb>();
        options.UseNpgsql(connection).UseSse();
        return new ShopDb(options.Options);
    }

    private sealed class RepeatsOnce(ExecutionStrategyDependencies made)
        : ExecutionStrategy(made, maxRetryCount: 1, maxRetryDelay: TimeSpan.Zero)
    {
        protected override bool ShouldRetryOn(Exception exception) => exception is TimeoutException;
    }
}
