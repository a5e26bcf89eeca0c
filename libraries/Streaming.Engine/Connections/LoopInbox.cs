using Streaming.Fanout;

namespace Streaming.Connections;

/// <summary>Work for one writer loop, posted from any thread: commands, and filter rings that have grown.</summary>
internal sealed class LoopInbox<TCommand>(int loop) : IDisposable
{
    private readonly Lock _gate = new();

    // Not a SemaphoreSlim, which yields a hundred times before it sleeps: on few cores that costs others their turn.
    private readonly AutoResetEvent _wake = new(false);
    private readonly List<FilterRing> _grown = [];
    private readonly List<TCommand> _commands = [];
    private bool _signalled;
    private bool _stopping;

    public void Post(TCommand command)
    {
        lock (_gate)
        {
            _commands.Add(command);
            Signal();
        }
    }

    /// <summary>Posts a command that may wait until the loop has something else to do.</summary>
    public void PostLater(TCommand command)
    {
        lock (_gate)
            _commands.Add(command);
    }

    /// <summary>Has the loop handle what was posted.</summary>
    public void Wake()
    {
        lock (_gate)
            Signal();
    }

    /// <summary>Lists those of the grown rings that the loop uses, under one lock, because an event may match thousands
    /// of filters.</summary>
    public void Grown(IReadOnlyList<FilterRing> rings)
    {
        lock (_gate)
        {
            var before = _grown.Count;

            for (var i = 0; i < rings.Count; i++)
            {
                ref var use = ref rings[i].Loops[loop];
                if (Volatile.Read(ref use.Users) > 0 && Interlocked.Exchange(ref use.IsListed, 1) == 0)
                    _grown.Add(rings[i]);
            }

            // A stream that waits to be attached may use a ring that does not count as used yet.
            if (_grown.Count > before || _commands.Count > 0)
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

    /// <summary>Waits for work, and returns false if none comes in time.</summary>
    public bool Wait(int milliseconds) => _wake.WaitOne(milliseconds);

    /// <summary>Moves the work to the loop's thread; returns false if the loop must stop after it.</summary>
    public bool Take(List<TCommand> commands, List<FilterRing> grown)
    {
        lock (_gate)
        {
            _signalled = false;
            commands.AddRange(_commands);
            _commands.Clear();
            grown.AddRange(_grown);
            _grown.Clear();
            return !_stopping;
        }
    }

    public void Dispose() => _wake.Dispose();

    private void Signal()
    {
        if (_signalled || _stopping)
            return;
        _signalled = true;
        _wake.Set();
    }
}
