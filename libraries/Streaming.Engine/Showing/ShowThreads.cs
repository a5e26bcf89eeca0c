using EventStore;

namespace Streaming.Showing;

/// <summary>Threads that run one function of the application, so that a function that waits delays neither the writer
/// loops, the thread pool nor other functions. There are as many threads as cores; more start whenever none has taken
/// work for a moment, and end without work. Thread-safe.</summary>
internal sealed class ShowThreads : IDisposable
{
    /// <summary>Maximum threads. Each takes some 100 kB of memory, so a function that hangs takes 25 MB.</summary>
    private const int Most = 256;

    private static readonly TimeSpan Stuck = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(10);

    private readonly object _gate = new();
    private readonly Queue<Action> _waiting = [];
    private readonly ITimer _timer;
    private int _threads;
    private int _idle;
    private bool _isWatched;
    private bool _hasTaken;
    private bool _isDisposed;

    public ShowThreads(TimeProvider clock)
    {
        using var apart = CallerContext.Suppress();
        _timer = clock.CreateTimer(_ => Watch(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Runs the work soon; work that throws ends the process.</summary>
    public void Add(Action work)
    {
        lock (_gate)
        {
            _waiting.Enqueue(work);
            Monitor.Pulse(_gate);

            // An idle thread that was woken for earlier work still counts as idle.
            if (_idle >= _waiting.Count)
                return;
            if (_threads < Environment.ProcessorCount)
                StartThread();
            else
                WatchSoon();
        }
    }

    private void WatchSoon()
    {
        if (_isWatched || _isDisposed)
            return;

        _isWatched = true;
        _hasTaken = false;
        _timer.Change(Stuck, Timeout.InfiniteTimeSpan);
    }

    private void Watch()
    {
        lock (_gate)
        {
            _isWatched = false;
            if (_waiting.Count == 0)
                return;

            // Starts half as many more, so that hundreds of calls that wait delay new work only briefly.
            if (!_hasTaken)
                for (var more = Math.Min(_waiting.Count, 1 + _threads / 2); more > 0 && _threads < Most; more--)
                    StartThread();
            WatchSoon();
        }
    }

    private void StartThread()
    {
        _threads++;
        new Thread(Run) { IsBackground = true, Name = "sse-show" }.UnsafeStart();
    }

    private void Run()
    {
        while (RunNext()) { }
    }

    /// <summary>Runs one piece of work, without keeping a reference to it; returns false if this thread is no longer
    /// needed.</summary>
    private bool RunNext()
    {
        var work = Take();
        work?.Invoke();
        return work is not null;
    }

    /// <summary>Returns work, or null if this thread is no longer needed.</summary>
    private Action? Take()
    {
        lock (_gate)
        {
            while (_waiting.Count == 0)
            {
                _idle++;
                var hasWork = !_isDisposed && Monitor.Wait(_gate, Idle);
                _idle--;
                if (!hasWork && _waiting.Count == 0)
                {
                    _threads--;
                    return null;
                }
            }

            _hasTaken = true;
            return _waiting.Dequeue();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            Monitor.PulseAll(_gate);
        }

        _timer.Dispose();
    }
}
