using System.Text.Json;

namespace Benchmarks.Reports;

/// <summary>What is measured, and in what.</summary>
internal sealed record Figure(string Name, string Unit);

/// <summary>One value of one round.</summary>
internal sealed record Sample(string Measurement, string Server, Figure Figure, int Round, double Value)
{
    public string ToJsonLine() =>
        JsonSerializer.Serialize(
            new
            {
                measurement = Measurement,
                server = Server,
                figure = Figure.Name,
                unit = Figure.Unit,
                round = Round,
                value = Value,
            }
        );
}
