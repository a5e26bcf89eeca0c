namespace Streaming.Metrics;

/// <summary>Chooses which of many similar log entries to write: the first, and one after each pause.
/// Thread-safe.</summary>
internal sealed class LogPause(TimeProvider clock, TimeSpan pause)
{
    private readonly Lock _gate = new();
    private long? _writtenAt;

    public bool IsOver()
    {
        lock (_gate)
        {
            if (_writtenAt is { } at && clock.GetElapsedTime(at) < pause)
                return false;

            _writtenAt = clock.GetTimestamp();
            return true;
        }
    }
}
