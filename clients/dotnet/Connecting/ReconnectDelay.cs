namespace AspireSse.Client.Connecting;

/// <summary>
/// Computes the wait before a reconnection. The server's <c>retry:</c> is the minimum (HTML Living Standard §9.2.3) and
/// the base of the doubling; the wait is always random, so that clients dropped together do not return together.
/// <code>
/// failures in a row   retry: 2000      no retry, InitialDelay 1 s
///        1            2.0 … 3.0 s      0 … 1 s
///        2            2.0 … 4.0 s      0 … 2 s
///        3            2.0 … 8.0 s      0 … 4 s
/// </code>
/// </summary>
internal static class ReconnectDelay
{
    /// <param name="options">The limits.</param>
    /// <param name="failures">Connections in a row without an event, this one included; from 1.</param>
    /// <param name="retry">The server's last <c>retry:</c>.</param>
    /// <param name="retryAfter">The server's <c>Retry-After</c>, or null if it sent none.</param>
    /// <param name="random">From 0 to below 1.</param>
    public static TimeSpan Next(
        SseClientOptions options,
        int failures,
        TimeSpan? retry,
        TimeSpan? retryAfter,
        double random
    )
    {
        var least = Min(Max(retry ?? TimeSpan.Zero, retryAfter ?? TimeSpan.Zero), options.MaxServerDelay);
        var unit = Max(
            Min(retry ?? TimeSpan.Zero, options.MaxServerDelay),
            retry is null ? options.InitialDelay : TimeSpan.FromMilliseconds(1)
        );

        // retry: 0 allows one immediate reconnection, not a loop against a dead server.
        if (failures > 1)
            unit = Max(unit, options.InitialDelay);

        // In ticks, because a long unit doubled often exceeds a TimeSpan.
        var doubled = TimeSpan.FromTicks(
            (long)Math.Min(unit.Ticks * Math.Pow(2, Math.Min(failures - 1, 30)), options.MaxDelay.Ticks)
        );
        var delay = least + (Max(doubled, least * 1.5) - least) * random;

        // Task.Delay would drop what exceeds a millisecond: a wait below one would not ask the clock.
        return TimeSpan.FromMilliseconds(Math.Ceiling(delay.TotalMilliseconds));
    }

    private static TimeSpan Min(TimeSpan first, TimeSpan second) => first < second ? first : second;

    private static TimeSpan Max(TimeSpan first, TimeSpan second) => first > second ? first : second;
}
