namespace Streaming.Replay;

/// <summary>
/// Grants the reads of replays to the waiting clients in rotation. Clients whose replays search the log read one at a
/// time and pause, so that all searches together take at most a share of one processor on average. Thread-safe.
/// </summary>
/// <param name="turns">Reads at once.</param>
/// <param name="percent">Percent of one processor's time for searches; 0: unlimited.</param>
/// <param name="clock">The clock.</param>
internal sealed class ReplayTurns(int turns, int percent, TimeProvider clock)
{
    /// <summary>Time of searches that may be used in advance.</summary>
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(25);

    /// <summary>Maximum time charged for one read; a longer one waited for something other than a processor.</summary>
    private static readonly TimeSpan MaxCharge = TimeSpan.FromSeconds(1);

    /// <summary>Returned turns after which clients without a replay are forgotten.</summary>
    private const int Sweep = 1_024;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Client> _clients = new(StringComparer.Ordinal);
    private readonly LinkedList<Client> _rotation = [];
    private readonly long _start = clock.GetTimestamp();

    /// <summary>Time since the start at which the charged searches have been paid for.</summary>
    private TimeSpan _paidUntil;
    private int _free = turns,
        _searching,
        _left;
    private bool _isPaused;

    /// <summary>Waits for a turn. Return it with <see cref="Leave"/>.</summary>
    public async Task EnterAsync(string client, CancellationToken cancellationToken)
    {
        TaskCompletionSource mine;
        lock (_gate)
        {
            if (!_clients.TryGetValue(client, out var own))
                _clients[client] = own = new Client();
            if (own.Waiting.Count == 0)
                _rotation.AddLast(own);
            own.Waiting.AddLast(mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            GiveTurns();
        }
        try
        {
            await mine.Task.WaitAsync(cancellationToken);
        }
        catch
        {
            Withdraw(client, mine);
            throw;
        }
    }

    /// <summary>Returns a turn.</summary>
    /// <param name="client">The client of the turn.</param>
    /// <param name="search">Time of a read that found little and must go on; zero: it need not; null: no read.</param>
    public void Leave(string client, TimeSpan? search)
    {
        lock (_gate)
        {
            _free++;
            var own = _clients[client];
            own.Reading--;
            if (own.Searching > 0)
            {
                own.Searching--;
                _searching--;
            }
            if (search is { } time)
                Charge(own, time);
            if (own.IsIdle && !own.Searches)
                _clients.Remove(client);
            // A client that has left amid a search.
            if (++_left % Sweep == 0)
                foreach (var (key, idle) in _clients)
                    if (idle.IsIdle)
                        _clients.Remove(key);
            GiveTurns();
        }
    }

    private void Charge(Client client, TimeSpan time)
    {
        client.Searches = time > TimeSpan.Zero;
        if (client.Searches && percent > 0)
            _paidUntil =
                TimeSpan.FromTicks(Math.Max(_paidUntil.Ticks, (Now - time).Ticks))
                + (time < MaxCharge ? time : MaxCharge) * 100 / percent;
    }

    private TimeSpan Now => clock.GetElapsedTime(_start);

    private TimeSpan Pause => percent == 0 ? TimeSpan.Zero : _paidUntil - Now - Burst * 100 / percent;

    private void Withdraw(string client, TaskCompletionSource mine)
    {
        lock (_gate)
        {
            if (_clients.TryGetValue(client, out var own) && own.Waiting.Remove(mine))
            {
                if (own.Waiting.Count == 0)
                    _rotation.Remove(own);
                return;
            }
        }
        Leave(client, null); // it was granted meanwhile
    }

    private void GiveTurns()
    {
        for (var node = _rotation.First; node is not null && _free > 0; )
        {
            var (next, own) = (node.Next, node.Value);
            if (!own.Searches || percent == 0 || (_searching == 0 && Pause <= TimeSpan.Zero))
            {
                _free--;
                own.Reading++;
                if (own.Searches)
                {
                    own.Searching++;
                    _searching++;
                }
                own.Waiting.First!.Value.SetResult();
                own.Waiting.RemoveFirst();
                _rotation.Remove(node);
                if (own.Waiting.Count > 0)
                    _rotation.AddLast(own);
                // The next round begins with the first client that still waits.
                next = _rotation.First;
            }
            else if (!_isPaused && _searching == 0)
            {
                _isPaused = true;
                _ = ResumeAsync(Pause);
            }
            node = next;
        }
    }

    private async Task ResumeAsync(TimeSpan pause)
    {
        // Rounds up to milliseconds, the resolution of timers.
        await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(pause.TotalMilliseconds)), clock);
        lock (_gate)
        {
            _isPaused = false;
            GiveTurns();
        }
    }

    private sealed class Client
    {
        public LinkedList<TaskCompletionSource> Waiting { get; } = [];

        /// <summary>Turns that it has.</summary>
        public int Reading { get; set; }

        /// <summary>Those of them for searches.</summary>
        public int Searching { get; set; }

        /// <summary>True if its last read found little and had to go on.</summary>
        public bool Searches { get; set; }

        public bool IsIdle => Waiting.Count == 0 && Reading == 0;
    }
}
