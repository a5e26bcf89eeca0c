namespace StreamApi.Streaming.Connections;

/// <summary>How long a stream may be read: looked at before events are written, and by the ticks that look after quiet
/// streams anyway.</summary>
/// <param name="Until">When it ends; null: never.</param>
/// <param name="EndsAt">The same by <see cref="Environment.TickCount64"/>.</param>
/// <param name="RenewAt">When the client is told that it will end, on the same clock.</param>
internal sealed record Authorization(DateTimeOffset? Until, long EndsAt, long RenewAt)
{
    public static Authorization Endless { get; } = new(null, long.MaxValue, long.MaxValue);

    /// <param name="until">When it ends.</param>
    /// <param name="renew">How long before its end the client is told; one that lasts less than twice that is told only
    /// the end.</param>
    /// <param name="now">The time.</param>
    public static Authorization Ending(DateTimeOffset until, TimeSpan renew, DateTimeOffset now)
    {
        var endsAt = Environment.TickCount64 + (long)Math.Ceiling((until - now).TotalMilliseconds);
        return new(until, endsAt, until - now < 2 * renew ? long.MaxValue : endsAt - (long)renew.TotalMilliseconds);
    }
}
