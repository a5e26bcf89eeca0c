namespace Streaming.Replay;

/// <summary>
/// Grants the reads of replays to the waiting clients in rotation. A client whose reads find little pauses, so that
/// they take at most a share of one processor on average. Thread-safe.
/// </summary>
/// <param name="turns">Reads at once.</param>
/// <param name="percent">Percent of one processor's time for the reads of one client that find little; 0:
/// unlimited.</param>
/// <param name="clock">The clock.</param>
internal sealed class ReplayTurns(int turns, int percent, TimeProvider clock)
{
    /// <summary>Work that a client may have done in advance.</summary>
    private static readonly TimeSpan Burst = TimeSpan.FromSeconds(2);

    /// <summary>Maximum time charged for one read; a longer one waited for something other than a processor.</summary>
    private static readonly TimeSpan MaxCharge = TimeSpan.FromSeconds(1);
    private const int Sweep = 1_024;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Client> _clients = new(StringComparer.Ordinal);
    private readonly LinkedList<Client> _rotation = [];
    private readonly long _start = clock.GetTimestamp();
    private int _free = turns,
        _left;

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
    /// <param name="spent">Time of a read that found little; otherwise zero.</param>
    public void Leave(string client, TimeSpan spent)
    {
        lock (_gate)
        {
            _free++;
            if (percent > 0 && spent > TimeSpan.Zero && _clients.TryGetValue(client, out var own))
                own.PaidUntil =
                    TimeSpan.FromTicks(Math.Max(own.PaidUntil.Ticks, (Now - spent).Ticks))
                    + (spent < MaxCharge ? spent : MaxCharge) * 100 / percent;
            if (++_left % Sweep == 0)
                foreach (var (key, idle) in _clients)
                    if (idle.Waiting.Count == 0 && idle.PaidUntil <= Now)
                        _clients.Remove(key);
            GiveTurns();
        }
    }

    private TimeSpan Now => clock.GetElapsedTime(_start);

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
        Leave(client, TimeSpan.Zero); // it was granted meanwhile
    }

    private void GiveTurns()
    {
        for (var node = _rotation.First; node is not null && _free > 0; )
        {
            var (next, own) = (node.Next, node.Value);
            if (PauseOf(own) is var pause && pause <= TimeSpan.Zero)
            {
                _free--;
                own.Waiting.First!.Value.SetResult();
                own.Waiting.RemoveFirst();
                _rotation.Remove(node);
                if (own.Waiting.Count > 0)
                    _rotation.AddLast(own);
                // The next round begins with the first client that still waits.
                next = _rotation.First;
            }
            else if (!own.IsPaused)
            {
                own.IsPaused = true;
                _ = ResumeAsync(own, pause);
            }
            node = next;
        }
    }

    private TimeSpan PauseOf(Client client) =>
        percent == 0 ? TimeSpan.Zero : client.PaidUntil - Now - Burst * 100 / percent;

    private async Task ResumeAsync(Client client, TimeSpan pause)
    {
        // Rounds up to milliseconds, the resolution of timers.
        await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(pause.TotalMilliseconds)), clock);
        lock (_gate)
        {
            client.IsPaused = false;
            GiveTurns();
        }
    }

    private sealed class Client
    {
        public LinkedList<TaskCompletionSource> Waiting { get; } = [];

        /// <summary>Time since the start at which the charged work has been paid for.</summary>
        public TimeSpan PaidUntil { get; set; }

        /// <summary>True while a timer is set for the end of its pause.</summary>
        public bool IsPaused { get; set; }
    }
}
