using StreamApi.Security.Limits;
using Unit.Client;

namespace Unit.Security;

public sealed class FairQueueTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task A_client_with_many_requests_waits_for_itself_and_another_for_one_turn()
    {
        var queue = new FairQueue(1, 1_000, WorkShare.Unlimited(TimeProvider.System));
        var first = await queue.EnterAsync("many", Long, default);
        var many = Enumerable.Range(0, 100).Select(_ => queue.EnterAsync("many", Long, default)).ToList();
        var few = Enumerable.Range(0, 2).Select(_ => queue.EnterAsync("few", Long, default)).ToList();

        var order = new List<string>();
        for (var turn = first; order.Count < 6; )
        {
            turn.Dispose();
            var next = await Task.WhenAny(many.Concat(few));
            order.Add(few.Remove(next) ? "few" : "many");
            many.Remove(next);
            turn = await next;
        }
        Assert.Equal(["many", "few", "many", "few", "many", "many"], order);
    }

    [Fact]
    public async Task A_turn_of_an_aborted_request_goes_to_the_next_one()
    {
        var queue = new FairQueue(1, 10, WorkShare.Unlimited(TimeProvider.System));
        var held = await queue.EnterAsync("a", Long, default);
        using var gone = new CancellationTokenSource();
        var left = queue.EnterAsync("a", Long, gone.Token);
        var waits = queue.EnterAsync("a", Long, default);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        Assert.False(waits.IsCompleted);
        held.Dispose();
        using var turn = await waits;
        Assert.False(queue.EnterAsync("b", Long, default).IsCompleted);
    }

    /// <summary>A client whose reads time out would otherwise be refused until the others' requests are done.</summary>
    [Fact]
    public async Task A_request_that_has_left_neither_counts_for_its_client_nor_takes_its_turn()
    {
        var queue = new FairQueue(1, 2, WorkShare.Unlimited(TimeProvider.System));
        var held = await queue.EnterAsync("busy", Long, default);
        using var gone = new CancellationTokenSource();
        var left = Enumerable.Range(0, 2).Select(_ => queue.EnterAsync("a", Long, gone.Token)).ToList();
        var busy = queue.EnterAsync("busy", Long, default);

        await gone.CancelAsync();
        foreach (var one in left)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);

        var again = Enumerable.Range(0, 2).Select(_ => queue.EnterAsync("a", Long, default)).ToList();
        held.Dispose();
        (await busy).Dispose();
        foreach (var one in again)
            (await one).Dispose();
    }

    [Fact]
    public async Task All_turns_are_back_once_all_have_gone_however_they_went()
    {
        var queue = new FairQueue(3, 10_000, WorkShare.Unlimited(TimeProvider.System));
        var random = new Random(1);
        await Task.WhenAll(
            Enumerable
                .Range(0, 2_000)
                .Select(async n =>
                {
                    using var gone = new CancellationTokenSource();
                    if (n % 3 == 0)
                        gone.CancelAfter(random.Next(5));
                    try
                    {
                        using var turn = await queue.EnterAsync($"client {n % 7}", Long, gone.Token);
                        await Task.Yield();
                    }
                    catch (OperationCanceledException) { }
                })
        );
        var turns = Enumerable.Range(0, 3).Select(_ => queue.EnterAsync("last", Long, default)).ToList();
        Assert.All(turns, turn => Assert.True(turn.IsCompletedSuccessfully));
        Assert.False(queue.EnterAsync("last", Long, default).IsCompleted);
    }

    [Fact]
    public async Task A_client_with_too_many_waiting_requests_is_refused()
    {
        var queue = new FairQueue(1, 2, WorkShare.Unlimited(TimeProvider.System));
        using var held = await queue.EnterAsync("a", Long, default);
        _ = queue.EnterAsync("a", Long, default);
        _ = queue.EnterAsync("a", Long, default);
        await Assert.ThrowsAsync<TimeoutException>(() => queue.EnterAsync("a", Long, default));
        Assert.False(queue.EnterAsync("b", Long, default).IsCompleted);
        // Work without a request has nobody whom a refusal would tell.
        Assert.False(queue.EnterAsync("a", Timeout.InfiniteTimeSpan, default).IsCompleted);
    }

    [Fact]
    public async Task Work_beyond_the_share_is_followed_by_a_pause_and_idle_time_allows_a_burst()
    {
        var time = new ManualTime();
        var queue = new FairQueue(1, 1_000, new WorkShare(0.1, time));
        var waiting = queue.EnterAsync("a", Long, default);
        async Task<int> TurnsAsync()
        {
            var taken = 0;
            for (; waiting.IsCompleted && taken < 100; taken++)
            {
                using (await waiting)
                    time.Advance(TimeSpan.FromMilliseconds(10));
                waiting = queue.EnterAsync("a", Long, default);
            }
            return taken;
        }

        // A burst of 25 ms of work, and what was earned meanwhile.
        Assert.InRange(await TurnsAsync(), 3, 4);
        time.Advance(TimeSpan.FromSeconds(2));
        using (await waiting)
            time.Advance(TimeSpan.FromSeconds(60));
        waiting = queue.EnterAsync("a", Long, default);
        Assert.InRange(await TurnsAsync(), 2, 4);
    }

    [Fact]
    public async Task A_turn_that_waits_for_something_else_is_charged_two_seconds()
    {
        var time = new ManualTime();
        var share = new WorkShare(0.1, time);
        var queue = new FairQueue(1, 1_000, share);
        using (await queue.EnterAsync("a", Long, default))
            time.Advance(TimeSpan.FromSeconds(15));
        // Twenty seconds from the start of the turn, of which 15 are over and 0.25 is the burst.
        Assert.InRange(share.Pause.TotalSeconds, 4.74, 4.76);
    }

    [Fact]
    public async Task A_long_turn_is_paid_in_full()
    {
        var time = new ManualTime();
        var share = new WorkShare(0.25, time);
        var queue = new FairQueue(1, 1_000, share);
        using (await queue.EnterAsync("a", Long, default))
            time.Advance(TimeSpan.FromSeconds(1));
        // Four seconds from the start of the turn, of which one is over and 0.1 is the burst.
        Assert.InRange(share.Pause.TotalSeconds, 2.89, 2.91);
    }
}
