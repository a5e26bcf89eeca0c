namespace Streaming.Connections;

/// <summary>Times at which the right to read a stream ends and at which its client is notified
/// (<see cref="Connections.StreamDeadlines"/>).</summary>
/// <param name="Until">Time at which the right ends, or null for never.</param>
/// <param name="EndsAt">The same time in <see cref="ElapsedTime.Milliseconds"/>.</param>
/// <param name="RenewAt">Time at which the client is notified, on the same clock.</param>
internal sealed record ExpiryTimes(DateTimeOffset? Until, long EndsAt, long RenewAt)
{
    public static ExpiryTimes Endless { get; } = new(null, long.MaxValue, long.MaxValue);

    /// <param name="renew">Time from the notice to the end. A right that lasts less than twice this time gets no notice
    /// before its end.</param>
    public static ExpiryTimes Ending(DateTimeOffset until, TimeSpan renew, TimeProvider clock)
    {
        var left = until - clock.GetUtcNow();
        var endsAt = clock.Milliseconds() + (long)Math.Ceiling(left.TotalMilliseconds);

        return new(until, endsAt, left < 2 * renew ? long.MaxValue : endsAt - (long)renew.TotalMilliseconds);
    }
}
