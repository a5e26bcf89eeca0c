// Part of the stand-in for NBomber: runs the scenarios. Not affiliated with NBomber LLC.
using NBomber.Contracts;

namespace NBomber.Running;

/// <summary>Computes the load that a scenario's simulations ask for at each time since its start. Pure arithmetic,
/// independent of the server: a scheduler that wakes late finds every missed injection still due.</summary>
internal sealed class Schedule
{
    private readonly record struct Part(LoadSimulation Simulation, TimeSpan Start, int Before)
    {
        public TimeSpan End => Start + Simulation.During;
    }

    private readonly List<Part> _parts = [];

    public Schedule(IEnumerable<LoadSimulation> simulations)
    {
        var (start, before) = (TimeSpan.Zero, 0);
        foreach (var simulation in simulations)
        {
            _parts.Add(new Part(simulation, start, before));
            start += simulation.During;
            before = simulation switch
            {
                LoadSimulation.RampingConstant r => r.Copies,
                LoadSimulation.KeepConstant k => k.Copies,
                LoadSimulation.RampingInject r => r.Rate,
                LoadSimulation.Inject i => i.Rate,
                _ => 0,
            };
        }
        Duration = start;
    }

    public TimeSpan Duration { get; }

    /// <summary>Returns the number of copies that iterate at this time.</summary>
    public int CopiesAt(TimeSpan elapsed)
    {
        var part = PartAt(elapsed);
        return part.Simulation switch
        {
            LoadSimulation.KeepConstant keep => keep.Copies,
            LoadSimulation.RampingConstant ramp => part.Before
                + (int)Math.Ceiling((ramp.Copies - part.Before) * ((elapsed - part.Start) / ramp.During)),
            _ => 0,
        };
    }

    /// <summary>Yields the times at which injections are due and the number at each, in time order.</summary>
    public IEnumerable<(TimeSpan Due, int Count)> Injections()
    {
        foreach (var part in _parts)
        {
            var (interval, rate, ramps) = part.Simulation switch
            {
                LoadSimulation.Inject inject => (inject.Interval, inject.Rate, false),
                LoadSimulation.RampingInject ramp => (ramp.Interval, ramp.Rate, true),
                _ => default,
            };
            if (interval == TimeSpan.Zero)
                continue;
            var intervals = Math.Max(1, part.Simulation.During.Ticks / interval.Ticks);
            var injected = 0L;
            for (var i = 0L; i < intervals; i++)
            {
                // A ramp carries its rounding error on, otherwise a slow ramp would never inject.
                var until = !ramps
                    ? rate * (i + 1)
                    : (long)
                        Math.Round(
                            (part.Before * (i + 1)) + ((rate - part.Before) * (i + 1.0) * (i + 2) / (2 * intervals))
                        );
                if (until > injected)
                    yield return (part.Start + (interval * i), (int)(until - injected));
                injected = Math.Max(injected, until);
            }
        }
    }

    /// <summary>Returns the name and size of the simulation at this time, for the statistics.</summary>
    public (string Name, int Value) At(TimeSpan elapsed)
    {
        var part = PartAt(elapsed);
        return part.Simulation switch
        {
            LoadSimulation.RampingConstant => ("ramping_constant", CopiesAt(elapsed)),
            LoadSimulation.KeepConstant keep => ("keep_constant", keep.Copies),
            LoadSimulation.RampingInject ramp => (
                "ramping_inject",
                part.Before
                    + (int)Math.Round((ramp.Rate - part.Before) * Math.Min(1, (elapsed - part.Start) / ramp.During))
            ),
            LoadSimulation.Inject inject => ("inject", inject.Rate),
            _ => ("pause", 0),
        };
    }

    private Part PartAt(TimeSpan elapsed)
    {
        foreach (var part in _parts)
            if (elapsed < part.End)
                return part;
        return default;
    }
}
