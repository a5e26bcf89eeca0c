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
    public async Task Searches_of_all_clients_pause_together_and_the_others_read_on()
    {
        var turns = new ReplayTurns(2, percent: 25, _time);
        // Each client's first read is free.
        await ReadAsync("searching", TimeSpan.FromMilliseconds(80));
        await ReadAsync("too", TimeSpan.FromMilliseconds(80));
        var (searching, too) = (turns.EnterAsync("searching", Cancelled), turns.EnterAsync("too", Cancelled));
        await ReadAsync("other", TimeSpan.Zero);
        Assert.False(searching.IsCompleted || too.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(2));
        await searching;
        Assert.False(too.IsCompleted);
        turns.Leave("searching", TimeSpan.FromMilliseconds(10));
        await too;

        async Task ReadAsync(string client, TimeSpan search)
        {
            await turns.EnterAsync(client, Cancelled);
            turns.Leave(client, search);
        }
    }

    [Fact(Timeout = 30_000)]
    public async Task A_client_whose_search_has_found_enough_is_not_delayed_by_the_searches_of_others()
    {
        var turns = new ReplayTurns(2, percent: 25, _time);
        foreach (var (client, search) in new[] { ("a", 50), ("b", 500), ("a", 0) })
        {
            await turns.EnterAsync(client, Cancelled);
            turns.Leave(client, TimeSpan.FromMilliseconds(search));
            if (search == 500)
                _time.Advance(TimeSpan.FromSeconds(10));
        }
        await turns.EnterAsync("b", Cancelled);
        turns.Leave("b", TimeSpan.FromSeconds(1));
        await turns.EnterAsync("a", Cancelled);
        Assert.False(turns.EnterAsync("b", Cancelled).IsCompleted);
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
