using Streaming.Replay;
using Unit.Client;

namespace Unit.Streaming;

public sealed class ReplayTurnsTests
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private readonly ManualTime _time = new();

    [Fact(Timeout = 30_000)]
    public async Task A_client_with_many_replays_delays_another_by_one_turn()
    {
        var turns = new ReplayTurns(1, percent: 0, _time);
        var first = await EnterAsync(turns, "many");
        var many = Enumerable.Range(0, 10).Select(_ => EnterAsync(turns, "many")).ToList();
        var one = EnterAsync(turns, "one");
        turns.Leave(first, Millisecond, isSearch: false);
        turns.Leave(await many[0], Millisecond, isSearch: false);
        var its = await one;
        Assert.False(many[1].IsCompleted);
        turns.Leave(its, Millisecond, isSearch: false);
        await many[1];
    }

    /// <summary>Five thousand clients that come back after an outage, each with its free search.</summary>
    [Fact(Timeout = 30_000)]
    public async Task Remembering_a_free_search_costs_the_same_however_many_are_remembered()
    {
        var clock = new CountedClock();
        var turns = new ReplayTurns(1, percent: 25, clock);

        for (var client = 0; client < 5_000; client++)
            turns.Leave(await EnterAsync(turns, $"client {client}"), Millisecond, isSearch: true);

        Assert.InRange(clock.Asked, 5_000, 100_000);
    }

    [Fact(Timeout = 30_000)]
    public async Task Searches_of_all_clients_share_one_pause_and_other_reads_continue()
    {
        var turns = new ReplayTurns(2, percent: 25, _time);
        var (searching, too) = (EnterAsync(turns, "a", isSearch: true), EnterAsync(turns, "b", isSearch: true));
        var first = await searching;
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(too.IsCompleted); // one at a time
        turns.Leave(first, 10 * Millisecond, isSearch: false);
        await ReadAsync(turns, "a");
        _time.Advance(29 * Millisecond);
        Assert.False(too.IsCompleted);
        _time.Advance(Millisecond);
        await too;
    }

    [Fact(Timeout = 30_000)]
    public async Task Reads_that_are_no_searches_leave_searches_no_debt()
    {
        var turns = new ReplayTurns(4, percent: 25, _time);
        for (var i = 0; i < 200; i++)
            turns.Leave(await EnterAsync(turns, $"{i}"), 50 * Millisecond, isSearch: false);
        await EnterAsync(turns, "b", isSearch: true);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_search_that_waited_long_delays_the_next_by_seconds_at_most()
    {
        var turns = new ReplayTurns(1, percent: 25, _time);
        turns.Leave(await EnterAsync(turns, "a", isSearch: true), TimeSpan.FromMinutes(1), isSearch: false);
        var next = EnterAsync(turns, "b", isSearch: true);
        _time.Advance(TimeSpan.FromSeconds(2.9));
        Assert.False(next.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        await next;
    }

    [Fact(Timeout = 30_000)]
    public async Task A_search_delays_no_other_read_of_its_client()
    {
        var turns = new ReplayTurns(2, percent: 25, _time);
        turns.Leave(await EnterAsync(turns, "a", isSearch: true), TimeSpan.FromSeconds(1), isSearch: false);
        var search = EnterAsync(turns, "a", isSearch: true);
        await EnterAsync(turns, "a");
        await EnterAsync(turns, "a");
        Assert.False(search.IsCompleted);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_client_has_one_free_search_a_minute_however_many_replays_it_begins()
    {
        var turns = new ReplayTurns(1, percent: 25, _time);
        var first = await EnterAsync(turns, "a", isSearch: null);
        var waiting = Enumerable.Range(0, 3).Select(_ => EnterAsync(turns, "a", isSearch: null)).ToList();
        turns.Leave(first, 10 * Millisecond, isSearch: true);
        // The others are no longer free, not even the one that waits already.
        turns.Leave(await waiting[0], 10 * Millisecond, isSearch: true);
        Assert.False(waiting[1].IsCompleted);
        // A replay that finds enough is, and so are other clients.
        turns.Leave(await EnterAsync(turns, "a"), 10 * Millisecond, isSearch: false);
        turns.Leave(await EnterAsync(turns, "b", isSearch: null), 10 * Millisecond, isSearch: false);
        _time.Advance(30 * Millisecond);
        turns.Leave(await waiting[1], 10 * Millisecond, isSearch: false);
        _time.Advance(TimeSpan.FromMinutes(1));
        turns.Leave(await waiting[2], TimeSpan.FromSeconds(1), isSearch: false);
        await EnterAsync(turns, "a", isSearch: null);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_read_for_several_clients_gets_the_first_turn_of_any_of_them()
    {
        var turns = new ReplayTurns(1, percent: 25, _time);
        var present = await EnterAsync(turns, "other");
        var before = Enumerable.Range(0, 20).Select(_ => EnterAsync(turns, "a")).ToList();
        var (shared, granted) = Ask(turns, "a");
        var search = EnterAsync(turns, "c", isSearch: true);
        turns.Ask(shared, "b", isSearch: false);
        turns.Ask(shared, "c", isSearch: true);
        turns.Leave(present, Millisecond, isSearch: false);
        // A search first, as the only one, then the clients in rotation.
        turns.Leave(await search, TimeSpan.Zero, isSearch: false);
        turns.Leave(await before[0], Millisecond, isSearch: false);
        await granted;
        turns.Leave(shared, Millisecond, isSearch: false);
        // It has left its other places.
        for (var i = 1; i < before.Count; i++)
            turns.Leave(await before[i], Millisecond, isSearch: false);
        _time.Advance(TimeSpan.FromSeconds(1));
        await EnterAsync(turns, "c", isSearch: true);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_read_that_is_given_up_leaves_its_turn_to_the_next()
    {
        var turns = new ReplayTurns(1, percent: 25, _time);
        var first = await EnterAsync(turns, "a");
        using var gone = new CancellationTokenSource();
        var second = EnterAsync(turns, "b", isSearch: false, gone.Token);
        var third = EnterAsync(turns, "c");
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        turns.Leave(first, Millisecond, isSearch: false);
        turns.Leave(await third, Millisecond, isSearch: false);

        var search = EnterAsync(turns, "a", isSearch: true, gone.Token); // granted, and cancelled
        try
        {
            turns.Leave(await search, TimeSpan.Zero, isSearch: false);
        }
        catch (OperationCanceledException) { }
        await EnterAsync(turns, "b", isSearch: true);
    }

    private static async Task ReadAsync(ReplayTurns turns, string client) =>
        turns.Leave(await EnterAsync(turns, client), TimeSpan.FromSeconds(1), isSearch: false);

    private static Task<ReplayTurn> EnterAsync(ReplayTurns turns, string client, bool? isSearch = false) =>
        EnterAsync(turns, client, isSearch, Cancelled);

    private static async Task<ReplayTurn> EnterAsync(
        ReplayTurns turns,
        string client,
        bool? isSearch,
        CancellationToken cancellationToken
    )
    {
        var turn = new ReplayTurn();
        turns.Ask(turn, client, isSearch);
        await turns.EnterAsync(turn, cancellationToken);
        return turn;
    }

    private static (ReplayTurn Turn, Task Granted) Ask(ReplayTurns turns, string client)
    {
        var turn = new ReplayTurn();
        turns.Ask(turn, client, isSearch: false);
        return (turn, turns.EnterAsync(turn, Cancelled));
    }

    private sealed class CountedClock : TimeProvider
    {
        /// <summary>Number of times that the clock was read.</summary>
        public int Asked { get; private set; }

        public override long GetTimestamp()
        {
            Asked++;
            return base.GetTimestamp();
        }
    }
}
