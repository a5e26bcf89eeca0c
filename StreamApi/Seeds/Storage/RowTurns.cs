using Streaming.Admission;

namespace StreamApi.Seeds.Storage;

/// <summary>
/// Lets the changes of one row follow one another before they take a connection, in fair turns of the clients.
/// Thread-safe.
/// </summary>
/// <remarks>Otherwise the changes of one busy row, waiting for its lock in Postgres, would use every connection of the
/// pool.</remarks>
internal sealed class RowTurns(TimeProvider clock)
{
    /// <summary>Longest wait for a turn, as long as for a connection.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>Changes of one row that should wait: as many as are done within the longest wait, at some 10 ms
    /// each.</summary>
    private const int MaxWaiting = 500;

    /// <summary>The rows that are in use or waited for.</summary>
    private readonly Dictionary<string, Row> _rows = new(StringComparer.Ordinal);

    /// <summary>Number of rows that are in use.</summary>
    public int Count
    {
        get
        {
            lock (_rows)
                return _rows.Count;
        }
    }

    /// <summary>Waits for the row's turn; dispose it when the change is committed.</summary>
    /// <exception cref="RefusedException">Too many changes of this row wait.</exception>
    public async Task<IDisposable> EnterAsync(string row, string client, CancellationToken cancellationToken)
    {
        var use = new Use(this, row);
        try
        {
            use.Seat = await use.Gate.EnterAsync(client, Limit, cancellationToken);
            return use;
        }
        catch
        {
            use.Dispose();
            throw;
        }
    }

    private Row Take(string row)
    {
        lock (_rows)
        {
            if (!_rows.TryGetValue(row, out var taken))
                _rows[row] = taken = new Row(new FairGate("changes of the same row", seats: 1, MaxWaiting, clock));
            taken.Uses++;
            return taken;
        }
    }

    private void Return(string row)
    {
        lock (_rows)
            if (--_rows[row].Uses == 0)
                _rows.Remove(row);
    }

    private sealed class Row(FairGate gate)
    {
        public FairGate Gate => gate;

        /// <summary>Changes that wait or have the turn.</summary>
        public int Uses { get; set; }
    }

    private sealed class Use(RowTurns turns, string row) : IDisposable
    {
        private int _returned;

        public FairGate Gate { get; } = turns.Take(row).Gate;

        /// <summary>The turn; null while it waits.</summary>
        public IDisposable? Seat { get; set; }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _returned, 1) != 0)
                return;

            Seat?.Dispose();
            turns.Return(row);
        }
    }
}
