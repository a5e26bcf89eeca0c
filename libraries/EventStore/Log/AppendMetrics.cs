using System.Diagnostics.Metrics;

namespace EventStore;

internal static class AppendMetrics
{
    private static readonly Meter Meter = new("AspireSse.EventStore");
    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>(
        "store.append.duration",
        "s",
        "Duration of a group commit."
    );
    private static readonly Histogram<double> Publish = Meter.CreateHistogram<double>(
        "store.publish.duration",
        "s",
        "Time from an append's call to its answer: the wait for a group commit, and the commit."
    );
    private static readonly Histogram<int> Batch = Meter.CreateHistogram<int>(
        "store.append.batch",
        "{event}",
        "Events per group commit."
    );

    public static void Appended(int events, TimeSpan took)
    {
        Duration.Record(took.TotalSeconds);
        Batch.Record(events);
    }

    /// <summary>Counts failed and abandoned appends too, because their callers waited as well.</summary>
    public static void Published(TimeSpan took) => Publish.Record(took.TotalSeconds);
}
