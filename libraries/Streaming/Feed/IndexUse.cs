namespace Streaming.Feed;

/// <summary>
/// Decides if this replica receives the page indexes. Without them it follows the heartbeats alone, which cost less
/// than many indexes of pages that its readers do not need (docs/decisions/0028). Thread-safe.
/// </summary>
/// <param name="limit">Time without use after which the replica leaves the indexes; zero: never.</param>
/// <param name="clock">The clock.</param>
internal sealed class IndexUse(TimeSpan limit, TimeProvider clock)
{
    /// <summary>Indexes a second that cost too little to leave them: a replica without them reads the first event from
    /// the store.</summary>
    private const int FewPerSecond = 10;

    private readonly Lock _gate = new();
    private long _since = clock.GetTimestamp();
    private int _indexes;
    private bool _isLeft;

    /// <summary>Returns true if the replica follows the heartbeats alone, which it does until
    /// <see cref="Needed"/>.</summary>
    public bool IsLeft()
    {
        lock (_gate)
        {
            var unused = clock.GetElapsedTime(_since);
            if (_isLeft || limit <= TimeSpan.Zero || unused < limit)
                return _isLeft;
            _isLeft = _indexes >= FewPerSecond * unused.TotalSeconds;
            Begin();
            return _isLeft;
        }
    }

    public void IndexReceived()
    {
        lock (_gate)
            _indexes++;
    }

    /// <summary>Records that an event for the readers came, or may come. Returns true if the replica must receive the
    /// indexes again.</summary>
    public bool Needed()
    {
        lock (_gate)
        {
            var wasLeft = _isLeft;
            _isLeft = false;
            Begin();
            return wasLeft;
        }
    }

    private void Begin() => (_since, _indexes) = (clock.GetTimestamp(), 0);
}
