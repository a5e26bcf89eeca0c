using Streaming.Admission;

namespace AspireSse.Server;

/// <summary>Seats for one kind of work. A free seat goes to the waiting client that has used seats for the least time
/// (start-time fair queueing, Goyal et al. 1996). Thread-safe.</summary>
/// <remarks>Needed only by a host that shares costly work of its own fairly among its clients, as StreamApi does. A
/// client takes another seat only while more seats are free than it has, so that a newcomer finds one.</remarks>
public sealed class FairGate
{
    /// <summary>Longest pause of a seat: a turn that would need a longer pause has waited for something other than a
    /// processor.</summary>
    private static readonly TimeSpan MaxRest = TimeSpan.FromSeconds(1);

    private readonly string _work;
    private readonly int _seats;
    private readonly int _maxWaiting;
    private readonly TimeProvider _clock;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Flow> _flows = new(StringComparer.Ordinal);
    private readonly SortedSet<Flow> _waiting = [];

    private int _taken;
    private int _waiters;
    private int _sweepAt = 1_024;
    private long _flowNumber;

    /// <summary>Virtual time, at which a newcomer starts: the time used by the client that got a seat last, or, after
    /// an idle time, by the client that has used most.</summary>
    private TimeSpan _time;

    /// <summary>The time used by the client that has used most.</summary>
    private TimeSpan _most;

    /// <summary>Creates a gate whose seats are free.</summary>
    /// <param name="work">The work, in the plural, as a refusal names it.</param>
    /// <param name="seats">Number of turns at once, at least 1.</param>
    /// <param name="maxWaiting">Requests that usually wait at most. Up to twice as many may wait if their clients have
    /// at most an equal share.</param>
    /// <param name="clock">Measures the work.</param>
    public FairGate(string work, int seats, int maxWaiting, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentOutOfRangeException.ThrowIfLessThan(seats, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(maxWaiting);
        ArgumentNullException.ThrowIfNull(clock);

        _work = work;
        _seats = seats;
        _maxWaiting = maxWaiting;
        _clock = clock;
    }

    /// <summary>Part of the time, above 0, that a seat may be in use while the processors are busy. With 1, a seat
    /// never pauses.</summary>
    public double BusyShare
    {
        get;
        init =>
            field = value is > 0 and <= 1
                ? value
                : throw new ArgumentOutOfRangeException(nameof(value), value, "A share is above 0, and at most 1.");
    } = 1;

    /// <summary>Measures the use of the processors. Several gates may share an instance.</summary>
    internal ProcessorUse Processors
    {
        get => field ??= new ProcessorUse(_clock);
        init;
    }

    /// <summary>Returns false while nobody would notice the work, so that no seat pauses.</summary>
    internal Func<bool> HasReaders { get; init; } = () => true;

    /// <summary>Number of clients that wait, have a seat, or have used more time than others.</summary>
    internal int Clients
    {
        get
        {
            lock (_gate)
                return _flows.Count;
        }
    }

    internal int Waiting
    {
        get
        {
            lock (_gate)
                return _waiters;
        }
    }

    /// <summary>Waits for a seat; dispose it when the work is done.</summary>
    /// <param name="client">The client whose work it is, by its <see cref="ClientKey.Person"/>.</param>
    /// <param name="limit">The longest wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RefusedException">Too many requests wait, or no seat became free in time.</exception>
    public async ValueTask<IDisposable> EnterAsync(
        string client,
        TimeSpan limit,
        CancellationToken cancellationToken = default
    )
    {
        var seat = Ask(client);
        try
        {
            await seat.Granted.WaitAsync(limit, _clock, cancellationToken);
            return seat;
        }
        catch (TimeoutException)
        {
            var isAlone = IsAlone(seat);
            seat.Dispose();
            throw Refused(isAlone ? ShareVerdict.Full : ShareVerdict.OwnExcess);
        }
        catch
        {
            seat.Dispose();
            throw;
        }
    }

    private int Free => _seats - _taken;

    private Seat Ask(string client)
    {
        lock (_gate)
        {
            var flow = FlowOf(client);
            var seat = new Seat(this, flow);

            // Earlier requests of other clients wait only if these clients may take no further seat.
            if (flow.Waiting.Count == 0 && MayTake(flow))
            {
                Grant(seat);
                return seat;
            }

            var mine = flow.Waiting.Count + 1;
            var verdict = EqualShare.Of(_maxWaiting, _waiters + 1, mine, _waiting.Count + (mine == 1 ? 1 : 0));
            if (verdict != ShareVerdict.Admitted)
                throw Refused(verdict);

            seat.Place = flow.Waiting.AddLast(seat);
            _waiters++;

            if (mine == 1)
            {
                // A client gets no credit for time that it did not use.
                flow.Used = Later(flow.Used, _time);
                _waiting.Add(flow);
            }

            return seat;
        }
    }

    private Flow FlowOf(string client)
    {
        if (_flows.TryGetValue(client, out var flow))
            return flow;

        if (_flows.Count >= _sweepAt)
        {
            foreach (var (key, idle) in _flows)
                if (idle.IsForgettable(_time))
                    _flows.Remove(key);
            _sweepAt = Math.Max(1_024, 2 * _flows.Count);
        }

        return _flows[client] = new Flow(_flowNumber++) { Used = _time };
    }

    private bool MayTake(Flow flow) => Free > 0 && (flow.Held == 0 || flow.Held < Free);

    private void Grant(Seat seat)
    {
        var flow = seat.Flow;
        flow.Held++;
        _taken++;
        flow.Used = _time = Later(flow.Used, _time);
        seat.Start();
    }

    private void GrantFreeSeats()
    {
        while (Free > 0 && _waiting.FirstOrDefault(MayTake) is { } flow)
        {
            var seat = flow.Waiting.First!.Value;
            Forget(seat);
            // The order of the set depends on the time used, which a grant may change.
            _waiting.Remove(flow);
            Grant(seat);

            if (flow.Waiting.Count > 0)
                _waiting.Add(flow);
        }
    }

    private void Forget(Seat seat)
    {
        var flow = seat.Flow;
        flow.Waiting.Remove(seat.Place!);
        seat.Place = null;
        _waiters--;
        if (flow.Waiting.Count == 0)
            _waiting.Remove(flow);
    }

    private void End(Seat seat)
    {
        TimeSpan rest;
        lock (_gate)
        {
            if (seat.Place is not null)
            {
                Forget(seat);
                return;
            }

            Charge(seat.Flow, seat.Took);
            rest = BusyShare < 1 && HasReaders() && Processors.IsHigh ? seat.Took * (1 / BusyShare - 1) : TimeSpan.Zero;
            seat.Flow.Held--;

            if (rest == TimeSpan.Zero)
                Release();
        }

        if (rest > TimeSpan.Zero)
            _ = ReturnLaterAsync(rest < MaxRest ? rest : MaxRest);
    }

    private void Charge(Flow flow, TimeSpan took)
    {
        var waits = _waiting.Remove(flow);
        flow.Used += took;
        _most = Later(_most, flow.Used);
        if (waits)
            _waiting.Add(flow);
    }

    private void Release()
    {
        _taken--;
        if (_taken == 0 && _waiters == 0)
            _time = _most;
        GrantFreeSeats();
    }

    private async Task ReturnLaterAsync(TimeSpan rest)
    {
        // Rounds up to milliseconds, the resolution of timers.
        await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(rest.TotalMilliseconds)), _clock);
        lock (_gate)
            Release();
    }

    private static TimeSpan Later(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private bool IsAlone(Seat seat)
    {
        lock (_gate)
            return seat.Flow.Held == 0 && seat.Flow.Waiting.Count <= 1;
    }

    private RefusedException Refused(ShareVerdict verdict) =>
        verdict == ShareVerdict.OwnExcess
            ? new RefusedException(true, "Too many requests", $"Too many of your {_work} wait for their turn.")
            : new RefusedException(false, "Server busy", $"Too many {_work} wait for their turn on this server.");

    /// <summary>A client of the gate.</summary>
    private sealed class Flow(long number) : IComparable<Flow>
    {
        public LinkedList<Seat> Waiting { get; } = [];

        public int Held { get; set; }

        /// <summary>Time used on seats, from the virtual time at which the client came.</summary>
        public TimeSpan Used { get; set; }

        public bool IsForgettable(TimeSpan time) => Held == 0 && Waiting.Count == 0 && Used <= time;

        public int CompareTo(Flow? other) => (Used, number).CompareTo((other!.Used, other.Number));

        private long Number => number;
    }

    /// <summary>A seat, or the request for one.</summary>
    private sealed class Seat(FairGate gate, Flow flow) : IDisposable
    {
        private readonly TaskCompletionSource _granted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _startedAt;
        private int _ended;

        public Flow Flow => flow;
        public Task Granted => _granted.Task;

        /// <summary>The place among its client's waiting requests, or null if it does not wait.</summary>
        public LinkedListNode<Seat>? Place { get; set; }

        public TimeSpan Took => gate._clock.GetElapsedTime(_startedAt);

        public void Start()
        {
            _startedAt = gate._clock.GetTimestamp();
            _granted.SetResult();
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
                gate.End(this);
        }
    }
}
