using Adopter.Databases;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Adopter.Outbox;

/// <summary>A block that an execution strategy repeats, because its connection broke, publishes once.</summary>
public sealed class RepeatedBlockTests(Shop shop) : IClassFixture<Shop>
{
    private readonly int _id = shop.Next();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>It publishes again, so what it published in the attempt that failed is gone. What was published before
    /// it stays.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_block_that_is_repeated_publishes_once(bool sync, bool transaction)
    {
        await shop.AddItemAsync(_id);
        await using var db = shop.Open(retries: true);
        var item = await db.Items.SingleAsync(i => i.Id == _id, Stop);
        db.PublishItem(_id, "before");
        var attempts = 0;

        await db
            .Database.CreateExecutionStrategy()
            .ExecuteAsync(async () =>
            {
                await using var begun = transaction ? await db.Database.BeginTransactionAsync(Stop) : null;
                if (!transaction)
                    await db.Database.OpenConnectionAsync(Stop);
                item.Name = "paid";
                db.PublishItem(_id, "paid");
                if (++attempts == 1)
                    await KillAsync(db);
                await db.SaveAsync(sync);
                db.PublishItem(_id, "more");
                await db.SaveAsync(sync);
                if (begun is not null)
                    await begun.CommitAsync(Stop);
            });

        Assert.Equal(2, attempts);
        Assert.Equal(["before", "paid", "more"], await shop.PublishedAsync(_id));
    }

    [Fact]
    public async Task A_save_that_repeats_itself_publishes_once()
    {
        await shop.AddItemAsync(_id);
        await using var db = shop.Open(retries: true);
        await db.Database.OpenConnectionAsync(Stop);
        db.PublishItem(_id, "one");
        await KillAsync(db);
        await db.SaveChangesAsync(Stop);
        Assert.Equal(["one"], await shop.PublishedAsync(_id));
    }

    /// <summary>As its changes, which stay too.</summary>
    [Fact]
    public async Task What_a_transaction_did_not_save_before_its_rollback_is_saved_later()
    {
        await shop.AddItemAsync(_id);
        await using var db = shop.Open();
        await using (var transaction = await db.Database.BeginTransactionAsync(Stop))
        {
            db.PublishItem(_id, "one");
            await transaction.RollbackAsync(Stop);
        }

        await db.SaveChangesAsync(Stop);
        Assert.Equal(["one"], await shop.PublishedAsync(_id));
    }

    private async Task KillAsync(ShopDb db)
    {
        var process = ((NpgsqlConnection)db.Database.GetDbConnection()).ProcessID;
        await DatabaseQuestions.AskAsync(shop.ConnectionString, $"select pg_terminate_backend({process}, 5000)");
    }
}
