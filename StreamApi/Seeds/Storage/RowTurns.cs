using EventStore;
using Streaming.Requests;

namespace StreamApi.Seeds.Storage;

/// <summary>
/// Lets the changes of one row follow one another before they take a connection, in rotation over the clients.
/// Thread-safe.
/// </summary>
/// <remarks>Otherwise the changes of one busy row, waiting for its lock in Postgres, would use every connection of the
/// pool.</remarks>
internal sealed class RowTurns(TimeProvider clock)
{
    /// <summary>Longest wait for a turn, as long as for a connection.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>The rows that are in use, and who waits for them.</summary>
    private readonly Dictionary<string, Rotation<TaskCompletionSource>> _rows = new(StringComparer.Ordinal);

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
    public async Task<IDisposable> EnterAsync(string row, string client, CancellationToken cancellationToken)
    {
        var mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_rows)
            if (_rows.TryGetValue(row, out var waiting))
                waiting.Add(client, mine);
            else
            {
                _rows[row] = new Rotation<TaskCompletionSource>();
                return new Taken(this, row);
            }
        try
        {
            await mine.Task.WaitAsync(Limit, clock, cancellationToken);
            return new Taken(this, row);
        }
        catch (Exception e)
        {
            Withdraw(row, client, mine);
            if (e is not TimeoutException)
                throw;
        }
        throw new StoreUnavailableException("Too many changes wait for the same row. Try again in some seconds.");
    }

    /// <summary>Ends a wait, and passes on a turn that was granted meanwhile.</summary>
    private void Withdraw(string row, string client, TaskCompletionSource waiter)
    {
        lock (_rows)
            if (_rows.TryGetValue(row, out var waiting) && waiting.Remove(client, waiter))
                return;

        Leave(row);
    }

    private void Leave(string row)
    {
        lock (_rows)
        {
            var waiting = _rows[row];
            if (waiting.Next() is not var (next, client))
            {
                _rows.Remove(row);
                return;
            }

            waiting.Remove(client, next);
            next.SetResult();
        }
    }

    private sealed class Taken(RowTurns turns, string row) : IDisposable
    {
        private int _returned;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _returned, 1) == 0)
                turns.Leave(row);
        }
    }
}
