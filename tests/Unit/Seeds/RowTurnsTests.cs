using StreamApi.Seeds.Storage;

namespace Unit.Seeds;

public sealed class RowTurnsTests
{
    [Fact]
    public async Task Changes_of_one_row_follow_one_another_and_those_of_others_do_not_wait()
    {
        var turns = new RowTurns();
        var first = await turns.EnterAsync("a", default);
        var second = turns.EnterAsync("a", default);
        (await turns.EnterAsync("b", default)).Dispose();
        Assert.False(second.IsCompleted);
        first.Dispose();
        (await second).Dispose();
        Assert.Equal(0, turns.Count);
    }

    [Fact]
    public async Task The_change_of_an_aborted_request_stops_waiting_and_keeps_no_turn()
    {
        var turns = new RowTurns();
        var first = await turns.EnterAsync("a", default);
        using var gone = new CancellationTokenSource();
        var left = turns.EnterAsync("a", gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        first.Dispose();
        first.Dispose();
        (await turns.EnterAsync("a", default)).Dispose();
        Assert.Equal(0, turns.Count);
    }
}
