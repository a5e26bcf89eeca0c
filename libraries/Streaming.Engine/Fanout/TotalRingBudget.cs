namespace Streaming.Fanout;

/// <summary>
/// Keeps all rings together within their limit: an event counts once, however many rings hold it. Guarded by the lock
/// of <see cref="FilterRingRegistry"/>.
/// </summary>
internal sealed class TotalRingBudget(long maxBytes)
{
    private const int Overhead = 256;

    private readonly Queue<(long Position, int Bytes)> _events = [];
    private long _bytes;

    /// <summary>Position through which events leave every ring, or -1 for none.</summary>
    public long Position { get; private set; } = -1;

    public void Reset()
    {
        _events.Clear();
        _bytes = 0;
        Position = -1;
    }

    /// <summary>Counts an event that a ring holds, and raises the floor if it does not fit.</summary>
    public void Count(EventRecord record)
    {
        _events.Enqueue((record.Position, record.Data.Length + Overhead));
        _bytes += record.Data.Length + Overhead;
        while (_bytes > maxBytes && _events.Count > 1)
        {
            var (position, bytes) = _events.Dequeue();
            Position = position;
            _bytes -= bytes;
        }
    }
}
