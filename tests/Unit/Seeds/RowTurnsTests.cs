using StreamApi.Seeds.Storage;

namespace Unit.Seeds;

public sealed class RowTurnsTests
{
    [Fact]
    public async Task Changes_of_one_row_follow_one_another_and_those_of_others_do_not_wait()
    {
        var turns = new RowTurns(TimeProvider.System);
        var first = await turns.EnterAsync("a", "ann", default);
        var second = turns.EnterAsync("a", "ann", default);
        (await turns.EnterAsync("b", "ann", default)).Dispose();
        Assert.False(second.IsCompleted);
        first.Dispose();
        (await second).Dispose();
        Assert.Equal(0, turns.Count);
    }

    [Fact]
    public async Task The_change_of_an_aborted_request_stops_waiting_and_keeps_no_turn()
    {
        var turns = new RowTurns(TimeProvider.System);
        var first = await turns.EnterAsync("a", "ann", default);
        using var gone = new CancellationTokenSource();
        var left = turns.EnterAsync("a", "ann", gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        first.Dispose();
        first.Dispose();
        (await turns.EnterAsync("a", "ann", default)).Dispose();
        Assert.Equal(0, turns.Count);
    }

    [Fact]
    public async Task A_client_with_many_changes_of_a_row_delays_another_one_by_one_change()
    {
        var turns = new RowTurns(TimeProvider.System);
        var first = await turns.EnterAsync("a", "many", default);
        var many = Enumerable.Range(0, 50).Select(_ => turns.EnterAsync("a", "many", default)).ToList();
        var few = turns.EnterAsync("a", "few", default);
        first.Dispose();
        using (await few)
            Assert.False(many[0].IsCompleted);
        foreach (var next in many)
            (await next).Dispose();
        Assert.Equal(0, turns.Count);
    }

    [Fact]
    public async Task A_waiting_request_that_has_left_holds_up_no_other()
    {
        var turns = new RowTurns(TimeProvider.System);
        var first = await turns.EnterAsync("a", "ann", default);
        using var gone = new CancellationTokenSource();
        var left = turns.EnterAsync("a", "bob", gone.Token);
        var ann = turns.EnterAsync("a", "ann", default);
        var bob = turns.EnterAsync("a", "bob", default);

        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        first.Dispose();

        using (await bob)
            Assert.False(ann.IsCompleted);
        (await ann).Dispose();
    }
}
