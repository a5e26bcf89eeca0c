namespace LoadTests.Measurements;

/// <summary>
/// The time from a fault to the end of the last second in which the system had not recovered: a client was
/// disconnected or waited to connect, an open generation was silent, or deliveries, acknowledgements or the median
/// missed their limits. Zero when no such second followed.
/// </summary>
/// <remarks>
/// Deliveries and acknowledgements must reach three quarters of normal. With one of two replicas frozen, half of the
/// deliveries still arrive; readers that pause and drop on purpose shift some of the rest between seconds.
/// </remarks>
/// <param name="Took">Null when the system had not recovered by the end of the run, or when unknown.</param>
/// <param name="IsKnown">False when no whole second of publishing followed the fault, or nothing was delivered before
/// it.</param>
internal sealed record Recovery(TimeSpan? Took, bool IsKnown = true)
{
    private const double MinimumShare = 0.75,
        SlowMs = 1_000;
    private const int WindowsPerSecond = 4;

    /// <param name="windows">The windows of the run.</param>
    /// <param name="fault">The time of the fault.</param>
    /// <param name="normal">Deliveries for each published event without a fault.</param>
    /// <param name="rate">Events to publish a second, for publishers that wait while the system is down and make up for
    /// nothing, or null if what they publish tells how much is to be delivered.</param>
    public static Recovery After(IEnumerable<HistoryWindow> windows, TimeSpan fault, double normal, double? rate = null)
    {
        var after = windows
            .Where(w => w.Until > fault)
            .Chunk(WindowsPerSecond)
            .Where(s => s.Length == WindowsPerSecond && s[^1].IsPublishing)
            .ToList();
        if (after.Count == 0)
            return new(Took: null, IsKnown: false);

        var bad = after.FindLastIndex(s =>
            s[^1].Disconnected > 0
            || s[^1].Waiting > 0
            || s[^1].Stalled > 0
            || s.Average(w => w.Delivered) < MinimumShare * normal * Due(s)
            || s.Average(w => w.Acknowledged) < MinimumShare * Due(s)
            || s.Max(w => w.P50Ms) > SlowMs
        );

        return new(
            bad < 0 ? TimeSpan.Zero
            : bad == after.Count - 1 ? null
            : after[bad][^1].Until - fault
        );

        double Due(HistoryWindow[] second) => rate ?? second.Average(w => w.Published);
    }
}
