using EventStore;

namespace StreamApi.Seeds.Storage;

/// <summary>
/// Lets the changes of one row follow one another before they take a connection. Otherwise the changes of one busy row,
/// waiting for its lock in Postgres, would use every connection of the pool. Thread-safe.
/// </summary>
internal sealed class RowTurns
{
    /// <summary>Longest wait for a turn, as long as for a connection.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

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
    /// <exception cref="StoreUnavailableException">Too many changes of this row wait.</exception>
    public async Task<IDisposable> EnterAsync(string row, CancellationToken cancellationToken)
    {
        var mine = Use(row);
        try
        {
            if (await mine.Turn.WaitAsync(Limit, cancellationToken))
                return new Taken(this, row, mine);
        }
        catch
        {
            Forget(row, mine);
            throw;
        }
        Forget(row, mine);
        throw new StoreUnavailableException("Too many changes wait for the same row. Try again in some seconds.");
    }

    private Row Use(string name)
    {
        lock (_rows)
        {
            if (!_rows.TryGetValue(name, out var row))
                _rows[name] = row = new Row();
            row.Users++;
            return row;
        }
    }

    private void Forget(string name, Row row)
    {
        lock (_rows)
            if (--row.Users == 0)
                _rows.Remove(name);
    }

    private sealed class Row
    {
        public SemaphoreSlim Turn { get; } = new(1);
        public int Users { get; set; }
    }

    private sealed class Taken(RowTurns turns, string name, Row row) : IDisposable
    {
        private int _returned;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _returned, 1) != 0)
                return;
            row.Turn.Release();
            turns.Forget(name, row);
        }
    }
}
