namespace Reliability.Abuse;

/// <summary>Judges the measurements of an abuse.</summary>
internal static class AbuseRow
{
    private const double MaxMilliseconds = 1_000;
    private const int MaxMoreMegabytes = 600,
        MaxLeftMegabytes = 150,
        MaxMoreStorePercent = 15,
        MaxForeignPercent = 10;

    public static Outcome Of(AbuseCase abuse, AbuseMeasurements measured)
    {
        var ratio = measured.Ratio;
        var memory = measured.Memory;
        var store = measured.Store;
        var isWithin = P99Rule.IsWithin(measured.Without.P99, measured.During.P99, measured.Burned?.P99);
        var responses = measured.Responses;

        if (abuse.InDevelopment)
        {
            var answer = measured.During.SlowestAnswer;
            var arrival = measured.During.Latencies.Max();
            isWithin = answer <= MaxMilliseconds && arrival <= MaxMilliseconds;
            responses += $"; slowest publish {answer:F0} ms, event {arrival:F0} ms";
        }

        var isIdle = store.After <= store.Before + MaxMoreStorePercent;
        var faults = Faults(measured);
        var ok =
            isWithin
            && isIdle
            && faults.Count == 0
            && measured.All.Refused == 0
            && memory.Most < memory.Before + MaxMoreMegabytes
            && memory.After < memory.Before + MaxLeftMegabytes
            // The load's own failures are bold: it was smaller than the row says.
            && !responses.Contains("**", StringComparison.Ordinal);
        var remarks = string.Join("; ", [responses, .. faults, .. Doubts(measured)]);

        return new Outcome(
            ok,
            $"| {abuse.Name} | {measured.Without.P99:F1} | {measured.During.P99:F1} "
                + $"| {(isWithin ? $"{ratio:F2}" : $"**{ratio:F2}**")} "
                + $"| {(measured.Burned is { } burned ? $"{burned.P99:F1}" : "–")} "
                + $"| {ReliabilityReport.Bold(measured.All.Refused)} "
                + $"| {memory.Before:F0} → {memory.Most:F0} → {memory.After:F0} "
                + $"| {store.Before:F0} → {(isIdle ? $"{store.After:F0}" : $"**{store.After:F0}**")} "
                + $"| {remarks} |"
        );
    }

    /// <summary>Failures for which the row has no column.</summary>
    private static List<string> Faults(AbuseMeasurements measured)
    {
        List<string> faults = [];
        if (measured.All.Lost > 0)
            faults.Add($"**{measured.All.Lost} events of regular users lost**");
        if (measured.Duplicates > 0)
            faults.Add($"**{measured.Duplicates} events of regular users received twice**");
        if (measured.All.Waiting > 0)
            faults.Add($"**{measured.All.Waiting} publishes of regular users without an answer**");
        if (measured.Ended is [var first, ..] ended)
            faults.Add($"**{ended.Count} regular clients ended: {first}**");
        if (measured.BusySessions > 0)
            faults.Add($"**Postgres busy in {measured.BusySessions} sessions**");

        return faults;
    }

    /// <summary>Reasons to measure the row again. They do not change its result.</summary>
    private static List<string> Doubts(AbuseMeasurements measured)
    {
        List<string> doubts = [];
        if (measured.ForeignPercent > MaxForeignPercent)
            doubts.Add($"**other programs took {measured.ForeignPercent:F0} % of the processors: measure again**");
        if (!measured.IsSettled)
            doubts.Add("**the system had not settled before the measurement**");
        return doubts;
    }
}
