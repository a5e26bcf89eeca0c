using Microsoft.EntityFrameworkCore;

namespace Adopter.Outbox;

/// <summary>A change goes on to its end, whatever becomes of its caller.</summary>
public sealed class ChangeTests(Shop shop) : IClassFixture<Shop>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_change_commits_its_rows_and_events_and_returns_what_it_says()
    {
        var number = shop.Next();
        var answer = await shop.Open()
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
        var changing = shop.Open()
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

    [Fact]
    public async Task A_change_that_fails_leaves_nothing()
    {
        var number = shop.Next();
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            shop.Open()
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
}
