using Streaming.Frames;

namespace Streaming.Connections;

/// <summary>Times at which a stream ends or its client is notified without an event: by its credential, its age, the
/// server's stop, or a quiet time. All are those of <see cref="ElapsedTime.Milliseconds"/>.</summary>
/// <param name="maxAge">Maximum age of the stream in milliseconds.</param>
/// <param name="heartbeatSeconds">Seconds without a write after which a heartbeat is due.</param>
internal sealed class StreamDeadlines(ExpiryTimes expiry, long begunAt, long maxAge, int heartbeatSeconds)
{
    private readonly long _begunAt = begunAt;
    private bool _hasNotice;

    public long WrittenAt { get; set; } = begunAt;

    /// <summary>Time until which the stream may continue after the server begins to stop.</summary>
    public long DrainAt { get; set; } = long.MaxValue;

    public bool HasExpired(long now) => now >= expiry.EndsAt;

    /// <summary>Returns the end that is due, or null.</summary>
    public EndReason? EndAt(long now) =>
        HasExpired(now) ? EndReason.Unauthorized
        : now - _begunAt >= maxAge ? EndReason.Aged
        : now >= DrainAt ? EndReason.Drained
        : null;

    /// <summary>Returns, once, the notice that the right ends soon, or null if the notice is not due.</summary>
    public byte[]? TakeNotice(long now)
    {
        if (_hasNotice || now < expiry.RenewAt)
            return null;

        _hasNotice = true;
        return ControlFrames.Unauthorized("expiring", expiry.Until);
    }

    /// <summary>Returns the last frame of a stream whose right has ended.</summary>
    public byte[] RightEnd(EndReason reason) =>
        ControlFrames.Unauthorized(reason == EndReason.Replaced ? "replaced" : "expired", expiry.Until);

    public bool IsQuiet(long now) => now - WrittenAt >= heartbeatSeconds * 1_000L;
}
