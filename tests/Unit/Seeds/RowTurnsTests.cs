using StreamApi.Seeds.Storage;

namespace Unit.Seeds;

public sealed class RowTurnsTests
{
    [Fact]
    public async Task Changes_of_one_row_follow_one_another_and_those_of_others_do_not_wait()
    {
        using var turns = new RowTurns(TimeProvider.System);
        var first = await turns.EnterAsync("a", "ann", default);
        var second = turns.EnterAsync("a", "ann", default);

        var others = Enumerable.Range(0, 100).Select(row => turns.EnterAsync($"{row}", "ann", default)).ToList();
        Assert.All(others, other => Assert.True(other.IsCompleted));
        Assert.False(second.IsCompleted);

        first.Dispose();
        (await second).Dispose();
    }

    [Fact]
    public async Task A_client_with_many_changes_of_a_row_delays_another_one_by_one_change()
    {
        using var turns = new RowTurns(TimeProvider.System);
        var first = await turns.EnterAsync("a", "many", default);
        var many = Enumerable.Range(0, 50).Select(_ => turns.EnterAsync("a", "many", default).AsTask()).ToList();
        var few = turns.EnterAsync("a", "few", default);

        first.Dispose();

        using (await few)
            Assert.False(many[0].IsCompleted);

        foreach (var next in many)
            (await next).Dispose();
    }

    [Fact]
    public async Task A_client_has_half_of_the_reads_at_once_and_another_one_the_next()
    {
        using var turns = new ReadTurns(TimeProvider.System);
        var many = Enumerable.Range(0, 8).Select(_ => turns.EnterAsync("", "many", default).AsTask()).ToList();
        Assert.Equal(SeedsPool.ReadConnections / 2, many.Count(turn => turn.IsCompleted));

        var few = turns.EnterAsync("", "few", default);
        Assert.True(few.IsCompleted);

        foreach (var turn in many)
            (await turn).Dispose();
        (await few).Dispose();
    }

    /// <summary>Counted over many, because other tests have timers, too.</summary>
    [Fact]
    public async Task Turns_that_are_disposed_leave_no_timer()
    {
        const int Many = 500;
        var before = Timer.ActiveCount;
        var turns = Enumerable.Range(0, Many).Select(_ => new RowTurns(TimeProvider.System)).ToList();
        Assert.True(Timer.ActiveCount - before > Many);

        turns.ForEach(turn => turn.Dispose());

        await Eventually.HoldsAsync(() => Timer.ActiveCount - before < Many);
    }
}
