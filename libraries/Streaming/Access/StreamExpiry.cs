namespace Streaming.Access;

/// <summary>The end of the right to read a stream. Compared before events are written, and by the ticks of quiet
/// streams.</summary>
/// <param name="Until">When it ends; null: never.</param>
/// <param name="EndsAt">The same by <see cref="Environment.TickCount64"/>.</param>
/// <param name="RenewAt">When the client is told that it will end, on the same clock.</param>
internal sealed record StreamExpiry(DateTimeOffset? Until, long EndsAt, long RenewAt)
{
    public static StreamExpiry Endless { get; } = new(null, long.MaxValue, long.MaxValue);

    /// <param name="until">When it ends.</param>
    /// <param name="renew">Time before the end at which the client is told; a stream that lasts less than twice that
    /// is told only the end.</param>
    /// <param name="now">The time.</param>
    public static StreamExpiry Ending(DateTimeOffset until, TimeSpan renew, DateTimeOffset now)
    {
        var endsAt = Environment.TickCount64 + (long)Math.Ceiling((until - now).TotalMilliseconds);
        return new(until, endsAt, until - now < 2 * renew ? long.MaxValue : endsAt - (long)renew.TotalMilliseconds);
    }
}
