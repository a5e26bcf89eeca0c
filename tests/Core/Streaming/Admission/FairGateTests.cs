using Harness;
using Streaming.Admission;

namespace Core.Streaming.Admission;

/// <summary>Seats for the clients in fair turns.</summary>
public sealed class FairGateTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);

    private readonly ManualTime _time = new();

    [Fact(Timeout = 60_000)]
    public async Task A_client_with_many_requests_waits_for_itself_and_another_for_one_turn()
    {
        var gate = Gate(seats: 1);
        var first = await gate.EnterAsync("many", Long);
        var many = Enumerable.Range(0, 100).Select(_ => EnterAsync(gate, "many")).ToList();
        var few = Enumerable.Range(0, 2).Select(_ => EnterAsync(gate, "few")).ToList();

        var order = new List<string>();
        for (var turn = first; order.Count < 5; )
        {
            _time.Advance(TimeSpan.FromMilliseconds(10));
            turn.Dispose();
            var next = await Task.WhenAny(many.Concat(few));
            order.Add(few.Remove(next) ? "few" : "many");
            many.Remove(next);
            turn = await next;
        }

        Assert.Equal(["few", "many", "few", "many", "many"], order);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_seat_goes_to_the_client_that_has_used_least_time()
    {
        var gate = Gate(seats: 1);
        var first = await gate.EnterAsync("other", Long);
        var (longOne, longTwo) = (EnterAsync(gate, "long"), EnterAsync(gate, "long"));

        Task<IDisposable>[] shorts = [EnterAsync(gate, "short"), EnterAsync(gate, "short")];

        first.Dispose();

        using (await longOne)
            _time.Advance(TimeSpan.FromSeconds(1));

        // Two turns of 0.4 s fit before the second that the long one has had.
        foreach (var turn in shorts)
            using (await turn)
            {
                Assert.False(longTwo.IsCompleted);
                _time.Advance(TimeSpan.FromSeconds(0.4));
            }

        (await longTwo).Dispose();
    }

    /// <summary>Requests of three clients come, give up and leave in a random order.</summary>
    [Theory(Timeout = 60_000)]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5)]
    public async Task No_seat_is_idle_while_a_request_waits_that_may_have_it(int seed)
    {
        const int Seats = 3;
        var random = new Random(seed);
        var gate = Gate(Seats);
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
                    var client = $"client {random.Next(3)}";
                    var gone = new CancellationTokenSource();
                    requests.Add((client, EnterAsync(gate, client, gone.Token), gone));
                    break;
            }

            while (requests.Any(MayHaveASeat))
                await Task.Yield();

            Assert.DoesNotContain(requests, r => r.Turn.IsFaulted || r.Turn.IsCanceled);
            Assert.InRange(requests.Count(r => r.Turn.IsCompleted), 0, Seats);
        }

        bool MayHaveASeat((string Client, Task<IDisposable> Turn, CancellationTokenSource) request)
        {
            var free = Seats - requests.Count(r => r.Turn.IsCompleted);
            var held = requests.Count(r => r.Turn.IsCompleted && r.Client == request.Client);
            return !request.Turn.IsCompleted && free > 0 && (held == 0 || held < free);
        }
    }

    [Fact]
    public void A_client_alone_has_half_of_the_seats_and_who_comes_next_finds_one()
    {
        var gate = Gate(seats: 8);
        // 4, then 2 of the remaining 4, then 1 of 2; the last seat goes to a client without one.
        Assert.Equal(
            [4, 2, 1, 1, 0],
            "abcde".Select(client => Enumerable.Range(0, 8).Count(_ => EnterAsync(gate, $"{client}").IsCompleted))
        );
    }

    /// <summary>429 is the client's own excess, 503 the server's.</summary>
    [Theory]
    [InlineData(0, 503)]
    [InlineData(1, 429)]
    public async Task A_wait_that_is_too_long_is_the_clients_own_fault_if_it_has_other_requests(int others, int status)
    {
        var gate = Gate(seats: 1);
        using var first = await gate.EnterAsync("first", Long);
        _ = Enumerable.Range(0, others).Select(_ => EnterAsync(gate, "ann")).ToList();

        var waiting = gate.EnterAsync("ann", TimeSpan.FromSeconds(10)).AsTask();

        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(waiting.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));

        var refused = await Assert.ThrowsAsync<RefusedException>(() => waiting);
        Assert.Equal(status, refused.Status);
        Assert.Contains("reads", refused.Message, StringComparison.Ordinal);
        Assert.True(refused.RetryAfter > TimeSpan.Zero);
    }

    [Fact(Timeout = 60_000)]
    public async Task Of_a_full_queue_only_clients_with_less_than_an_equal_share_get_more()
    {
        var gate = Gate(seats: 1, waiting: 4);
        using var first = await gate.EnterAsync("first", Long);
        var many = Enumerable.Range(0, 4).Select(_ => EnterAsync(gate, "many")).ToList();

        Assert.Equal(429, await RefusalAsync("many"));

        var few = Enumerable.Range(0, 2).Select(_ => EnterAsync(gate, "few")).ToList();
        Assert.Equal(429, await RefusalAsync("few"));

        foreach (var other in "ab")
            Assert.False(EnterAsync(gate, $"{other}").IsCompleted);

        Assert.Equal(503, await RefusalAsync("c"));
        Assert.DoesNotContain(many.Concat(few), turn => turn.IsCompleted);

        async Task<int> RefusalAsync(string client) =>
            (await Assert.ThrowsAsync<RefusedException>(() => EnterAsync(gate, client))).Status;
    }

    [Theory]
    [InlineData(0, 1, 1)]
    [InlineData(1, -1, 1)]
    [InlineData(1, 1, 0)]
    [InlineData(1, 1, 1.1)]
    [InlineData(1, 1, double.NaN)]
    public void A_gate_through_which_nobody_would_come_is_refused(int seats, int maxWaiting, double busyShare) =>
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new FairGate("reads", seats, maxWaiting, _time) { BusyShare = busyShare }
        );

    [Fact]
    public void A_gate_needs_a_clock() =>
        Assert.Throws<ArgumentNullException>("clock", () => new FairGate("reads", 1, 1, clock: null!));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_seat_rests_after_a_turn_only_while_the_processors_are_busy(bool isBusy)
    {
        var used = TimeSpan.Zero;
        var gate = new FairGate("reads", seats: 1, maxWaiting: 100, _time)
        {
            BusyShare = 0.2,
            Processors = new ProcessorUse(_time, () => used),
        };
        using (await gate.EnterAsync("ann", Long))
        {
            _time.Advance(TimeSpan.FromMilliseconds(200));
            used = (isBusy ? 0.6 : 0.4) * Environment.ProcessorCount * TimeSpan.FromMilliseconds(200);
        }

        var next = gate.EnterAsync("bob", Long).AsTask();
        Assert.Equal(!isBusy, next.IsCompleted);

        if (isBusy)
            Assert.Equal(TimeSpan.FromMilliseconds(800), await _time.PassDelayAsync());

        (await next).Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_seat_does_not_rest_while_nobody_would_feel_the_work(bool hasReaders)
    {
        var gate = new FairGate("imports", seats: 1, maxWaiting: 100, _time)
        {
            BusyShare = 0.2,
            Processors = new ProcessorUse(_time, () => TimeSpan.FromHours(_time.Reads)),
            HasReaders = () => hasReaders,
        };

        using (await gate.EnterAsync("ann", Long))
            _time.Advance(TimeSpan.FromMilliseconds(200));

        Assert.Equal(!hasReaders, gate.EnterAsync("ann", Long).AsTask().IsCompleted);
    }

    /// <summary>A turn that took longer, such as one of a store that stood still, says nothing of processors.</summary>
    [Fact(Timeout = 60_000)]
    public async Task A_seat_rests_a_second_at_most()
    {
        var gate = new FairGate("reads", seats: 1, maxWaiting: 100, _time)
        {
            BusyShare = 0.1,
            Processors = new ProcessorUse(_time, () => TimeSpan.FromHours(_time.Reads)),
        };
        using (await gate.EnterAsync("ann", Long))
            _time.Advance(TimeSpan.FromSeconds(2));

        var next = gate.EnterAsync("bob", Long).AsTask();
        _time.Advance(TimeSpan.FromSeconds(1));
        (await next).Dispose();
    }

    [Fact(Timeout = 60_000)]
    public async Task Clients_that_have_left_are_forgotten()
    {
        var gate = Gate(seats: 1);
        for (var client = 0; client < 10_000; client++)
            using (await gate.EnterAsync($"client {client}", Long))
                _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.InRange(gate.Clients, 1, 2_048);
    }

    private static Task<IDisposable> EnterAsync(FairGate gate, string client, CancellationToken gone = default) =>
        gate.EnterAsync(client, Long, gone).AsTask();

    private FairGate Gate(int seats, int waiting = 1_000) => new("reads", seats, waiting, _time);
}
