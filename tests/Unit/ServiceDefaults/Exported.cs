using System.Collections.Concurrent;
using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Unit.ServiceDefaults;

/// <summary>The spans that a collector would receive.</summary>
internal sealed class ExportedSpans : BaseExporter<Activity>
{
    private readonly ConcurrentQueue<Activity> spans = [];

    public Activity[] All => [.. spans];

    public override ExportResult Export(in Batch<Activity> batch)
    {
        foreach (var span in batch)
            spans.Enqueue(span);

        return ExportResult.Success;
    }
}

/// <inheritdoc cref="ExportedSpans"/>
internal sealed class ExportedMetrics : BaseExporter<Metric>
{
    private volatile Metric[] metrics = [];

    public Metric[] Last => metrics;

    public override ExportResult Export(in Batch<Metric> batch)
    {
        var all = new List<Metric>();
        foreach (var metric in batch)
            all.Add(metric);

        metrics = [.. all];
        return ExportResult.Success;
    }
}
