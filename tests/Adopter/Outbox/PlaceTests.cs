using System.Transactions;
using Microsoft.EntityFrameworkCore;
using IsolationLevel = System.Data.IsolationLevel;

namespace Adopter.Outbox;

/// <summary>The place in the log that belongs to what a context has read.</summary>
public sealed class PlaceTests(Shop shop) : IClassFixture<Shop>
{
    private readonly int _id = shop.Next();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_place_is_given_only_where_all_reads_see_one_state()
    {
        await using var db = shop.Open();
        foreach (var loose in (IsolationLevel[])[IsolationLevel.Unspecified, IsolationLevel.ReadCommitted])
        {
            await using var transaction = await db.Database.BeginTransactionAsync(loose, Stop);
            var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => db.SsePositionAsync());
            Assert.Contains("RepeatableRead", refused.Message, StringComparison.Ordinal);
        }

        foreach (
            var sound in (IsolationLevel[])
                [IsolationLevel.RepeatableRead, IsolationLevel.Serializable, IsolationLevel.Snapshot]
        )
        {
            await using var transaction = await db.Database.BeginTransactionAsync(sound, Stop);
            Assert.NotEmpty((await db.SsePositionAsync()).ToString());
        }

        // What counts is the transaction's level, whoever set it.
        await using var set = await db.Database.BeginTransactionAsync(Stop);
        await db.Database.ExecuteSqlAsync($"set transaction isolation level repeatable read", Stop);
        Assert.NotEmpty((await db.SsePositionAsync()).ToString());
    }

    [Theory]
    [InlineData(System.Transactions.IsolationLevel.RepeatableRead, true)]
    [InlineData(System.Transactions.IsolationLevel.Serializable, true)]
    [InlineData(System.Transactions.IsolationLevel.ReadCommitted, false)]
    public async Task A_place_is_given_in_an_ambient_transaction(System.Transactions.IsolationLevel level, bool isGiven)
    {
        await using var db = shop.Open();
        using var scope = new TransactionScope(
            TransactionScopeOption.Required,
            new TransactionOptions { IsolationLevel = level },
            TransactionScopeAsyncFlowOption.Enabled
        );
        var items = await db.Items.CountAsync(Stop);
        if (!isGiven)
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => db.SsePositionAsync());
            return;
        }

        var place = await db.SsePositionAsync();
        using (new TransactionScope(TransactionScopeOption.Suppress, TransactionScopeAsyncFlowOption.Enabled))
        {
            await shop.AddItemAsync(_id);
            await using var other = shop.Open();
            other.PublishItem(_id, "later");
            await other.SaveChangesAsync(Stop);
            await shop.PublishedAsync(_id);
        }

        Assert.Equal((items, place), (await db.Items.CountAsync(Stop), await db.SsePositionAsync()));
    }
}
