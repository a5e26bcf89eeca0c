using Streaming.Fanout;

namespace Streaming.Connections;

/// <summary>
/// Work for one writer loop, posted from any thread: commands for connections, and filter logs that have grown. While
/// the loop pauses, the logs wait and the commands do not.
/// </summary>
internal sealed class LoopInbox<TCommand>(int loop, WritePacing pacing) : IDisposable
{
    /// <summary>An idle loop checks its connections once a second.</summary>
    private const int IdleMilliseconds = 1_000;

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly List<FilterLog> _grown = [];
    private readonly List<TCommand> _commands = [];
    private bool _signalled,
        _stopping,
        _isGrowthWaiting;

    public void Post(TCommand command)
    {
        lock (_gate)
        {
            _commands.Add(command);
            Signal();
        }
    }

    /// <summary>
    /// Lists the logs on which the loop has connections, with one lock for all of them: an event may match thousands of
    /// filters.
    /// </summary>
    public void Grown(IReadOnlyList<FilterLog> logs)
    {
        lock (_gate)
        {
            var before = _grown.Count;
            for (var i = 0; i < logs.Count; i++)
            {
                ref var use = ref logs[i].Loops[loop];
                if (Volatile.Read(ref use.Users) > 0 && Interlocked.Exchange(ref use.IsListed, 1) == 0)
                    _grown.Add(logs[i]);
            }
            if (_grown.Count > before)
                Signal();
        }
    }

    public void Stop()
    {
        lock (_gate)
        {
            Signal();
            _stopping = true;
        }
    }

    /// <summary>Longest time that the loop may sleep without a signal, in milliseconds.</summary>
    /// <remarks>
    /// Waiting logs have used up their signal. The pause may end while commands are handled; the result is then 0, not
    /// the idle time.
    /// </remarks>
    public int SleepMilliseconds => _isGrowthWaiting ? Math.Max(0, pacing.Milliseconds) : IdleMilliseconds;

    public void Wait() => _wake.Wait(SleepMilliseconds);

    /// <summary>Moves the work into the caller's collections, on the loop's thread.</summary>
    /// <returns>False if the loop must stop after this work.</returns>
    public bool Take(List<TCommand> commands, List<FilterLog> grown)
    {
        lock (_gate)
        {
            _signalled = false;
            commands.AddRange(_commands);
            _commands.Clear();
            _isGrowthWaiting = pacing.Milliseconds > 0 && _grown.Count > 0;
            if (!_isGrowthWaiting)
            {
                grown.AddRange(_grown);
                _grown.Clear();
            }
            return !_stopping;
        }
    }

    public void Dispose() => _wake.Dispose();

    private void Signal()
    {
        if (_signalled || _stopping)
            return;
        _signalled = true;
        _wake.Release();
    }
}
