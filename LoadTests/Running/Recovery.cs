namespace LoadTests.Running;

/// <summary>
/// From the fault to the end of the last second in which anything was not as before: a client that was cut off was not
/// back, one that came was kept out, an open generation said nothing, fewer than three quarters of the
/// deliveries came that these publishes had before the fault, fewer than three quarters of the publishes were
/// acknowledged, or the median exceeded a second.
/// Zero where nothing of it was to be seen.
/// </summary>
/// <remarks>
/// Three quarters: with one of two replicas frozen half of the deliveries still come, and that is not as before;
/// readers that pause and drop by intention move
/// some of the rest from one second to the next.
/// </remarks>
/// <param name="Took">Null where it did not end while the run went on, or is not known.</param>
/// <param name="IsKnown">Not where no whole second of publishing followed the fault: nothing was there to be
/// seen.</param>
internal sealed record Recovery(TimeSpan? Took, bool IsKnown = true)
{
    private const double Enough = 0.75,
        SlowMs = 1_000;
    private const int Second = 4; // windows

    public static Recovery After(IEnumerable<HistoryWindow> windows, TimeSpan fault, double normal)
    {
        var after = windows
            .Where(w => w.Until > fault)
            .Chunk(Second)
            .Where(s => s.Length == Second && s[^1].IsPublishing)
            .ToList();
        if (after.Count == 0)
            return new(Took: null, IsKnown: false);
        var bad = after.FindLastIndex(s =>
            s[^1].Away > 0
            || s[^1].KeptOut > 0
            || s[^1].Stalled > 0
            || s.Sum(w => w.Delivered) < Enough * normal * s.Sum(w => w.Published)
            || s.Sum(w => w.Acknowledged) < Enough * s.Sum(w => w.Published)
            || s.Max(w => w.P50Ms) > SlowMs
        );
        return new(
            bad < 0 ? TimeSpan.Zero
            : bad == after.Count - 1 ? null
            : after[bad][^1].Until - fault
        );
    }
}
