using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace ServiceDefaults.Prometheus;

/// <summary>Collects the metrics when Prometheus asks for them. Thread-safe: scrapes wait for each other.</summary>
[ExportModes(ExportModes.Pull)]
internal sealed class PrometheusExporter : BaseExporter<Metric>, IPullMetricExporter
{
    private readonly Lock _one = new();
    private PrometheusText _text = new();

    public Func<int, bool>? Collect { get; set; }

    /// <summary>Reads all metrics now.</summary>
    public string Read()
    {
        lock (_one)
        {
            _text = new();
            Collect?.Invoke(Timeout.Infinite);
            return _text.ToString();
        }
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        foreach (var metric in batch)
            _text.Add(metric);
        return ExportResult.Success;
    }
}
