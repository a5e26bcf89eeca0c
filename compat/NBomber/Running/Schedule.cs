// Part of the stand-in for NBomber: runs the scenarios. Not affiliated with NBomber LLC.
using NBomber.Contracts;

namespace NBomber.Running;

/// <summary>Copies that start together.</summary>
/// <param name="Due">The time of the start, since the scenario's.</param>
/// <param name="Count">The number of copies.</param>
/// <param name="Until">The time until which the copies iterate, or null when each runs once.</param>
internal sealed record CopyStart(TimeSpan Due, int Count, TimeSpan? Until);

/// <summary>Computes when a scenario's simulations ask for copies. Pure arithmetic,
/// independent of the server: a scheduler that wakes late finds every missed start still due.</summary>
internal static class Schedule
{
    public static TimeSpan Duration(IEnumerable<LoadSimulation> simulations) =>
        simulations.Aggregate(TimeSpan.Zero, (sum, simulation) => sum + simulation.During);

    /// <summary>Yields the starts in time order.</summary>
    public static IEnumerable<CopyStart> Starts(IEnumerable<LoadSimulation> simulations)
    {
        var begin = TimeSpan.Zero;
        var rateBefore = 0;
        foreach (var simulation in simulations)
        {
            IEnumerable<CopyStart> starts = simulation switch
            {
                LoadSimulation.KeepConstant keep => [new CopyStart(begin, keep.Copies, begin + keep.During)],
                LoadSimulation.Inject inject => Injections(inject, begin, rateBefore),
                _ => [],
            };
            foreach (var start in starts)
                yield return start;

            begin += simulation.During;
            rateBefore = (simulation as LoadSimulation.Inject)?.Rate ?? 0;
        }
    }

    private static IEnumerable<CopyStart> Injections(LoadSimulation.Inject inject, TimeSpan begin, int rateBefore)
    {
        var intervals = Math.Max(1, inject.During.Ticks / inject.Interval.Ticks);
        var from = inject.Ramps ? rateBefore : inject.Rate;
        var injected = 0L;
        for (var i = 0L; i < intervals; i++)
        {
            // The area below the line until the end of this interval. A ramp
            // carries its rounding error on, otherwise a slow ramp would never inject.
            var ramped = (inject.Rate - from) * (i + 1.0) * (i + 2) / (2 * intervals);
            var until = (long)Math.Round((from * (i + 1)) + ramped);
            if (until <= injected)
                continue;

            yield return new CopyStart(begin + (inject.Interval * i), (int)(until - injected), Until: null);
            injected = until;
        }
    }
}
