using System.Text.Json;

namespace Benchmarks.Reports;

internal sealed record Metric(string Name, string Unit);

/// <summary>The value of one round.</summary>
internal sealed record Sample(string Measurement, string Server, Metric Metric, int Round, double Value)
{
    public string ToJsonLine() =>
        JsonSerializer.Serialize(
            new
            {
                measurement = Measurement,
                server = Server,
                metric = Metric.Name,
                unit = Metric.Unit,
                round = Round,
                value = Value,
            }
        );
}
