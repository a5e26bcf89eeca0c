using System.Globalization;
using System.Text.Json;

namespace Benchmarks.Measurements;

internal sealed record Metric(string Name, string Unit)
{
    /// <summary>Writes a value with three or more digits.</summary>
    public static string Number(double value) =>
        value.ToString(
            Math.Abs(value) switch
            {
                >= 1_000 => "#,0",
                >= 100 => "0",
                >= 10 => "0.0",
                _ => "0.00",
            },
            CultureInfo.InvariantCulture
        );
}

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
