using EventStore;

namespace Streaming.Feed;

/// <summary>
/// The newest message of the relay: detects repetitions, and measures the time since the last one. Not
/// thread-safe except <see cref="IsSilent"/>.
/// </summary>
internal sealed class RelayOrder
{
    private string _epoch = "";
    private long _fence,
        _sent,
        _receivedAt = long.MinValue / 2;

    /// <summary>
    /// Returns false for a repeated message, or one of a deposed leader. Another epoch may restart the counters; the
    /// feed then asks the store.
    /// </summary>
    public bool Accept(RelayPage page, TimeProvider clock)
    {
        if (page.Epoch == _epoch && (page.Fence < _fence || (page.Fence == _fence && page.Sent <= _sent)))
            return false;

        _epoch = page.Epoch;
        _fence = page.Fence;
        _sent = page.Sent;
        Restart(clock);
        return true;
    }

    /// <summary>Returns true if nothing was received for this time.</summary>
    public bool IsSilent(TimeSpan time, TimeProvider clock) =>
        clock.GetElapsedTime(Volatile.Read(ref _receivedAt)) >= time;

    /// <summary>Restarts the measurement.</summary>
    public void Restart(TimeProvider clock) => Volatile.Write(ref _receivedAt, clock.GetTimestamp());
}
