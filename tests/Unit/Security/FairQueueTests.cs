using EventStore;
using Microsoft.Extensions.Options;
using StreamApi.Security.Limits;
using Unit.Client;

namespace Unit.Security;

/// <summary>Turns for the clients in rotation, and the kinds of work that wait for them.</summary>
public sealed class FairQueueTests
{
    private const int Large = BodyTurns.SmallBytes + 1;

    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);

    private readonly ManualTime _time = new();

    [Fact]
    public async Task A_client_with_many_requests_waits_for_itself_and_another_for_one_turn()
    {
        var queue = new FairQueue(1, 1_000, WorkShare.Unlimited(_time));
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

    /// <summary>Requests of three clients come, give up and leave in a random order.</summary>
    [Theory(Timeout = 60_000)]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5)]
    public async Task No_turn_is_idle_while_a_request_waits_and_a_client_is_refused_only_if_its_places_are_taken(
        int seed
    )
    {
        const int Turns = 3,
            Places = 2;
        var random = new Random(seed);
        var queue = new FairQueue(Turns, Places, WorkShare.Unlimited(_time));
        var requests = new List<(string Client, Task<IDisposable> Turn, CancellationTokenSource Gone)>();
        for (var step = 0; step < 300; step++)
        {
            var waiting = requests.FindAll(r => !r.Turn.IsCompleted);
            var held = requests.FindAll(r => r.Turn.IsCompleted);
            switch (random.Next(4))
            {
                case 0 when waiting.Count > 0:
                    var leaver = waiting[random.Next(waiting.Count)];
                    await leaver.Gone.CancelAsync();
                    await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaver.Turn);
                    requests.Remove(leaver);
                    break;

                case 1 when held.Count > 0:
                    var served = held[random.Next(held.Count)];
                    (await served.Turn).Dispose();
                    requests.Remove(served);
                    break;

                default:
                    var (client, gone) = ($"client {random.Next(3)}", new CancellationTokenSource());
                    var turn = queue.EnterAsync(client, Long, gone.Token);
                    if (held.Count == Turns && waiting.Count(r => r.Client == client) == Places)
                        await Assert.ThrowsAsync<TimeoutException>(() => turn);
                    else
                        requests.Add((client, turn, gone));
                    break;
            }
            while (requests.Count(r => r.Turn.IsCompleted) != Math.Min(Turns, requests.Count))
                await Task.Yield();
            Assert.DoesNotContain(requests, r => r.Turn.IsFaulted || r.Turn.IsCanceled);
        }
    }

    [Fact]
    public async Task Work_beyond_the_share_is_followed_by_a_pause_and_idle_time_allows_a_burst()
    {
        var queue = new FairQueue(1, 1_000, new WorkShare(0.1, _time));
        var waiting = queue.EnterAsync("a", Long, default);

        // A burst of 25 ms of work, and what was earned meanwhile.
        Assert.InRange(await TurnsAsync(), 3, 4);
        _time.Advance(TimeSpan.FromSeconds(2));
        using (await waiting)
            _time.Advance(TimeSpan.FromSeconds(60));
        waiting = queue.EnterAsync("a", Long, default);
        Assert.InRange(await TurnsAsync(), 2, 4);

        async Task<int> TurnsAsync()
        {
            var taken = 0;
            for (; waiting.IsCompleted && taken < 100; taken++)
            {
                using (await waiting)
                    _time.Advance(TimeSpan.FromMilliseconds(10));
                waiting = queue.EnterAsync("a", Long, default);
            }
            return taken;
        }
    }

    /// <summary>Counted from the start of the turn, less the burst; a turn longer than two seconds waited.</summary>
    [Theory]
    [InlineData(0.25, 1, 4 - 1 - 0.1)]
    [InlineData(0.1, 15, 20 - 15 - 0.25)]
    public async Task A_turn_of_up_to_two_seconds_is_paid_in_full(double processors, int seconds, double pause)
    {
        var share = new WorkShare(processors, _time);
        var queue = new FairQueue(1, 1_000, share);
        using (await queue.EnterAsync("a", Long, default))
            _time.Advance(TimeSpan.FromSeconds(seconds));
        Assert.Equal(pause, share.Pause.TotalSeconds, 0.01);
    }

    /// <summary>Half a second of work on two processors, or for reads on all, less the burst of 25 ms.</summary>
    [Theory]
    [InlineData("large bodies", 0.25 * 2)]
    [InlineData("pages of connections", 0.05 * 2)]
    [InlineData("reads", 0)]
    public async Task Each_kind_of_work_has_its_share_of_the_processors(string work, double processors)
    {
        var (bodies, pages, reads) = (new BodyTurns(2, _time), new PageTurns(2, _time), Reads(percent: 1));
        if (work == "reads")
            processors = Environment.ProcessorCount / 100.0;
        using (await EnterAsync("ann"))
            _time.Advance(TimeSpan.FromSeconds(0.5));
        var next = EnterAsync("bob");
        Assert.False(next.IsCompleted);
        var pause = (0.5 - 0.025) / processors - 0.5;
        Assert.Equal(pause, (await _time.PassDelayAsync()).TotalSeconds, 0.002);
        using var turn = await next;

        async Task<IDisposable?> EnterAsync(string client) =>
            work switch
            {
                "large bodies" => await bodies.EnterAsync(client, Large, default),
                "reads" => await reads.EnterAsync(client, default),
                _ => await pages.EnterAsync(client, default),
            };
    }

    [Fact]
    public async Task Large_bodies_are_parsed_on_half_of_the_processors_and_small_ones_at_once()
    {
        var turns = new BodyTurns(4, _time);
        var first = await turns.EnterAsync("ann", Large, default);
        Assert.NotNull(await turns.EnterAsync("ann", Large, default));
        var third = turns.EnterAsync("ann", Large, default).AsTask();
        Assert.False(third.IsCompleted);
        Assert.Null(await turns.EnterAsync("bob", BodyTurns.SmallBytes, default));
        first!.Dispose();
        Assert.NotNull(await third);
    }

    [Fact]
    public async Task Pages_of_connections_are_made_one_at_a_time()
    {
        var turns = new PageTurns(16, _time);
        var first = await turns.EnterAsync("ann", default);
        var second = turns.EnterAsync("bob", default);
        Assert.False(second.IsCompleted);
        first.Dispose();
        (await second).Dispose();
    }

    [Fact]
    public async Task A_read_that_gets_no_turn_in_time_or_no_place_learns_that_the_store_is_busy()
    {
        var reads = Reads(LimitOptions.Unlimited);
        var (first, second) = (await EnterAsync("ann"), await EnterAsync("ann"));
        var (mine, another) = (EnterAsync("ann"), EnterAsync("ann"));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => EnterAsync("ann"));
        // Work without a request has nobody whom a refusal would tell.
        var work = reads.EnterAsync("ann", default);

        _time.Advance(TimeSpan.FromSeconds(14));
        Assert.False(mine.IsCompleted);
        first.Dispose();
        using var mineAfterAll = await mine;
        _time.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => another);
        Assert.False(work.IsCompleted);
        // The turn that the other one did not take is the next one's.
        second.Dispose();
        using var next = await work;

        Task<IDisposable> EnterAsync(string client) =>
            reads.EnterInTimeAsync(client, TestContext.Current.CancellationToken);
    }

    private StoreReads Reads(int percent)
    {
        var store = new EventStoreOptions
        {
            ReadConnections = 2,
            MaxWaitingReads = 2,
            CommandTimeoutSeconds = 15,
        };
        return new(Options.Create(store), Options.Create(new LimitOptions { ReadPercent = percent }), _time);
    }
}
