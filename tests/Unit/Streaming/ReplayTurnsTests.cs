using Streaming.Replay;
using Unit.Client;

namespace Unit.Streaming;

public sealed class ReplayTurnsTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private readonly ManualTime _time = new();

    [Fact(Timeout = 30_000)]
    public async Task A_client_with_many_replays_delays_another_by_one_turn()
    {
        var turns = new ReplayTurns(1, percent: 0, _time);
        await turns.EnterAsync("many", Cancelled);
        var many = Enumerable.Range(0, 10).Select(_ => turns.EnterAsync("many", Cancelled)).ToList();
        var one = turns.EnterAsync("one", Cancelled);
        turns.Leave("many", TimeSpan.Zero);
        await many[0];
        Assert.False(one.IsCompleted);
        turns.Leave("many", TimeSpan.Zero);
        await one;
        Assert.False(many[1].IsCompleted);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_client_whose_reads_find_little_pauses_after_its_burst_and_the_others_read_on()
    {
        var turns = new ReplayTurns(2, percent: 25, _time);
        // Two seconds of work are free.
        for (var i = 0; i < 21; i++)
            await ReadAsync("searching", TimeSpan.FromMilliseconds(100));
        var waiting = turns.EnterAsync("searching", Cancelled);
        Assert.False(waiting.IsCompleted);
        await ReadAsync("other", TimeSpan.FromMilliseconds(100));
        Assert.False(waiting.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(10));
        await waiting;

        async Task ReadAsync(string client, TimeSpan spent)
        {
            await turns.EnterAsync(client, Cancelled);
            turns.Leave(client, spent);
        }
    }

    [Fact(Timeout = 30_000)]
    public async Task Reads_that_find_enough_are_never_delayed()
    {
        var turns = new ReplayTurns(1, percent: 1, _time);
        for (var i = 0; i < 1_000; i++)
        {
            await turns.EnterAsync("reader", Cancelled);
            turns.Leave("reader", TimeSpan.Zero);
        }
    }

    [Fact(Timeout = 30_000)]
    public async Task A_read_that_is_given_up_leaves_its_turn_to_the_next()
    {
        var turns = new ReplayTurns(1, percent: 25, _time);
        await turns.EnterAsync("a", Cancelled);
        using var gone = new CancellationTokenSource();
        var (second, third) = (turns.EnterAsync("b", gone.Token), turns.EnterAsync("c", Cancelled));
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        turns.Leave("a", TimeSpan.Zero);
        await third;
    }
}
