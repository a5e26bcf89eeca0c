using System.Globalization;
using System.Text.Json;

namespace Benchmarks.Measurements;

/// <summary>Judgement of a metric in the comparison with another build.</summary>
internal enum Judgement
{
    /// <summary>Not at all: too noisy, or not a cost of the server.</summary>
    None,

    /// <summary>By its ratio; less is better.</summary>
    Cost,

    /// <summary>By its ratio; more is better.</summary>
    Rate,

    /// <summary>By its value, which must be zero, since there is no ratio to zero.</summary>
    Zero,
}

internal sealed record Metric(string Name, string Unit, Judgement Judgement = Judgement.None)
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
