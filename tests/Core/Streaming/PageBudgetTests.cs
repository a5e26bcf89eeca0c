using Harness;
using Streaming.Fanout;
using Streaming.Replay;

namespace Core.Streaming;

public class PageBudgetTests
{
    [Fact]
    public async Task No_page_is_read_before_there_is_room_and_one_that_is_shared_counts_once()
    {
        var clock = new ManualTime();
        var budget = new PageBudget(most: 1_000, clock);
        var (shared, other) = (Page(600), Page(600));
        budget.Take(shared);
        budget.Take(shared);
        Assert.Equal(600, budget.Held);
        Assert.True(budget.WaitForRoomAsync(TestContext.Current.CancellationToken).IsCompletedSuccessfully);
        budget.Take(other);

        var waiting = budget.WaitForRoomAsync(TestContext.Current.CancellationToken);
        budget.Release(shared);
        await clock.PassDelayAsync();
        Assert.False(waiting.IsCompleted);
        budget.Release(shared);
        await clock.PassDelayAsync();
        await waiting;
        budget.Release(other);
        Assert.Equal(0, budget.Held);
    }

    [Fact]
    public void Memory_is_scarce_from_half_of_the_budget_on_and_full_at_its_end()
    {
        var budget = new PageBudget(most: 1_000, new ManualTime());
        budget.Take(Page(498));
        Assert.Equal((false, false), (budget.IsScarce, budget.IsFull));
        budget.Take(Page(2));
        Assert.Equal((true, false), (budget.IsScarce, budget.IsFull));
        budget.Take(Page(500));
        Assert.Equal((true, true), (budget.IsScarce, budget.IsFull));
    }

    private static ReplayPage Page(int bytes) =>
        new("e", 0, [new LogFrame(1, new byte[bytes / 2], 0, "k"), new LogFrame(2, new byte[bytes / 2], 0, "k")], 2);
}
