namespace Streaming.Access;

/// <summary>End of the right to read a stream. It is checked before events are written, and once a second.</summary>
/// <param name="Until">Time at which the right ends; null: never.</param>
/// <param name="EndsAt">The same time in <see cref="ElapsedTime.Milliseconds"/>.</param>
/// <param name="RenewAt">Time at which the client is notified, on the same clock.</param>
internal sealed record StreamExpiry(DateTimeOffset? Until, long EndsAt, long RenewAt)
{
    public static StreamExpiry Endless { get; } = new(null, long.MaxValue, long.MaxValue);

    /// <param name="renew">Notice before the end; a stream shorter than twice this is told only at its end.</param>
    public static StreamExpiry Ending(DateTimeOffset until, TimeSpan renew, TimeProvider clock)
    {
        var left = until - clock.GetUtcNow();
        var endsAt = clock.Milliseconds() + (long)Math.Ceiling(left.TotalMilliseconds);

        return new(until, endsAt, left < 2 * renew ? long.MaxValue : endsAt - (long)renew.TotalMilliseconds);
    }
}
