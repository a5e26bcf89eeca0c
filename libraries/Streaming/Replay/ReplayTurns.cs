using Streaming.Requests;

namespace Streaming.Replay;

/// <summary>
/// Grants the reads of replays in rotation over the clients. Searches have turns of their own, one at a time and each
/// followed by a pause, so that together they take at most a share of one processor on average; a replay's first read
/// is free, once a minute for each client. Thread-safe.
/// </summary>
/// <param name="turns">Reads at once.</param>
/// <param name="percent">Percent of one processor's time for searches; 0: unlimited.</param>
/// <param name="clock">The clock.</param>
internal sealed class ReplayTurns(int turns, int percent, TimeProvider clock)
{
    /// <summary>Maximum time charged for a search; a longer one waited for something other than a processor.</summary>
    private static readonly TimeSpan MaxCharge = TimeSpan.FromSeconds(1);

    /// <summary>Time between a client's free searches.</summary>
    private static readonly TimeSpan FreeInterval = TimeSpan.FromMinutes(1);

    /// <summary>Fewest remembered free searches of which the expired ones are forgotten.</summary>
    private const int MinSweep = 1_024;

    private readonly Lock _gate = new();
    private readonly Rotation<ReplayTurn> _reads = new(),
        _searches = new();
    private readonly Dictionary<string, long> _freeSearches = new(StringComparer.Ordinal);
    private int _free = turns;

    /// <summary>Number of remembered free searches at which the expired ones are forgotten next: twice as many as were
    /// left, so that remembering one costs a constant.</summary>
    private int _sweepAt = MinSweep;

    /// <summary>True from the grant of a search until the end of the pause that follows it.</summary>
    private bool _isSearching;

    /// <summary>
    /// Asks for a turn in the name of a client. A read for several clients waits in each client's place; it takes the
    /// first turn.
    /// </summary>
    /// <param name="turn">The turn. Nothing happens if it was granted or given up.</param>
    /// <param name="client">The client.</param>
    /// <param name="isSearch">True if the client's replay is amid a search; false if it is not; null: unknown.</param>
    public void Ask(ReplayTurn turn, string client, bool? isSearch)
    {
        lock (_gate)
        {
            turn.IsNoSearch |= isSearch is false;
            if (!turn.IsOver && turn.Wait(isSearch is true && percent > 0 ? _searches : _reads, client))
                GiveTurns();
        }
    }

    /// <summary>Waits for a turn. Return it with <see cref="Leave"/>.</summary>
    public async Task EnterAsync(ReplayTurn turn, CancellationToken cancellationToken)
    {
        try
        {
            await turn.Granted.Task.WaitAsync(cancellationToken);
        }
        catch
        {
            if (!GiveUp(turn))
                Leave(turn, TimeSpan.Zero, isSearch: false); // it was granted meanwhile
            throw;
        }
    }

    /// <summary>Returns a turn.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="took">Duration of the read, also of one that failed.</param>
    /// <param name="isSearch">True if the read was a search that has to go on.</param>
    public void Leave(ReplayTurn turn, TimeSpan took, bool isSearch)
    {
        lock (_gate)
        {
            _free++;
            if (isSearch && !turn.IsSearch)
                Remember(turn);
            GiveTurns();
        }
        if (turn.IsSearch)
            _ = EndSearchAsync(took);
    }

    private bool GiveUp(ReplayTurn turn)
    {
        lock (_gate)
            return turn.End();
    }

    private void GiveTurns()
    {
        for (var moved = true; moved; )
        {
            moved = false;
            if (_free > 0 && !_isSearching && _searches.Next() is (var search, _))
            {
                _isSearching = search.IsSearch = true;
                Grant(search);
            }
            while (_free > 0 && _reads.Next() is var (read, client))
                if (!read.IsNoSearch && HasSearched(client))
                {
                    read.Leave(_reads, client);
                    read.Wait(_searches, client);
                    moved = true;
                }
                else
                    Grant(read);
        }
    }

    private void Grant(ReplayTurn turn)
    {
        _free--;
        turn.End();
        turn.Granted.SetResult();
    }

    private bool HasSearched(string client) =>
        _freeSearches.TryGetValue(client, out var at) && clock.GetElapsedTime(at) < FreeInterval;

    /// <summary>Remembers the clients of a search that was free.</summary>
    private void Remember(ReplayTurn turn)
    {
        if (percent == 0)
            return;
        if (_freeSearches.Count >= _sweepAt)
        {
            foreach (var client in _freeSearches.Keys)
                if (!HasSearched(client))
                    _freeSearches.Remove(client);
            _sweepAt = Math.Max(MinSweep, 2 * _freeSearches.Count);
        }

        foreach (var client in turn.Clients)
            _freeSearches[client] = clock.GetTimestamp();
    }

    /// <summary>Lets the next search begin after a pause.</summary>
    private async Task EndSearchAsync(TimeSpan took)
    {
        var pause = (took < MaxCharge ? took : MaxCharge) * (100 - percent) / percent;
        if (pause > TimeSpan.Zero)
            // Rounds up to milliseconds, the resolution of timers.
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(pause.TotalMilliseconds)), clock);
        lock (_gate)
        {
            _isSearching = false;
            GiveTurns();
        }
    }
}
