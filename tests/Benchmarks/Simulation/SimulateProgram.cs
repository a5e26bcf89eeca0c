using System.Diagnostics;
using System.Globalization;
using Harness;

namespace Benchmarks.Simulation;

/// <summary>
/// Runs all scenarios and writes table and plot (<c>-- simulate [seed]</c>). Nothing is started: it is arithmetic with
/// measured costs.
/// </summary>
internal static class SimulateProgram
{
    /// <returns>False if a reader lost an event, got it twice or out of order, or did not catch up.</returns>
    public static bool Run(string[] args)
    {
        if (
            args.Length > 1
            || !ulong.TryParse(args.FirstOrDefault() ?? "0", CultureInfo.InvariantCulture, out var seed)
        )
            throw new BenchmarkException("Use: dotnet run -c Release --project tests/Benchmarks -- simulate [seed]");
        var clock = Stopwatch.StartNew();
        var results = new SimulationResult[Scenario.All.Count];
        // Side by side: no scenario knows of another.
        Parallel.For(
            0,
            results.Length,
            i =>
            {
                var scenario = Scenario.All[i];
                results[i] = SimulationRun.Of(seed == 0 ? scenario : scenario with { Seed = seed });
                Console.Error.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{clock.Elapsed.TotalSeconds, 6:F1} s  {scenario.Name}"
                    )
                );
            }
        );
        var folder = Path.Combine(Repository.Root, "artifacts", "simulation");
        Directory.CreateDirectory(folder);
        var table = SimulationTable.Of(results);
        File.WriteAllText(Path.Combine(folder, "simulation.md"), table);
        File.WriteAllText(Path.Combine(folder, "simulation.svg"), SimulationPlot.Of(results));
        Console.Write(table);
        Console.Error.WriteLine($"        written to {folder}");
        return results.All(r => r.Ok);
    }
}
