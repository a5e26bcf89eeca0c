using NBomber.Contracts;
using NBomber.CSharp;
using NBomber.Running;

namespace Unit.Load;

public class ScheduleTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Copies_start_at_once_and_an_injection_is_due_at_each_interval_after_a_pause()
    {
        LoadSimulation[] simulations =
        [
            Simulation.KeepConstant(7, Second),
            Simulation.Pause(2 * Second),
            Simulation.Inject(3, Second / 2, Second),
        ];

        Assert.Equal(4 * Second, Schedule.Duration(simulations));
        CopyStart[] starts =
        [
            new(TimeSpan.Zero, 7, Until: Second),
            new(3 * Second, 3, Until: null),
            new(3.5 * Second, 3, Until: null),
        ];
        Assert.Equal(starts, Schedule.Starts(simulations));
    }

    [Fact]
    public void A_ramp_of_injections_sums_up_to_its_area_although_each_is_a_whole_number()
    {
        var starts = Schedule
            .Starts([
                Simulation.RampingInject(1, Second / 100, 10 * Second),
                Simulation.Inject(1, Second / 100, Second),
            ])
            .ToList();

        Assert.InRange(starts.Where(start => start.Due < 10 * Second).Sum(start => start.Count), 499, 502);
        Assert.Equal(100, starts.Where(start => start.Due >= 10 * Second).Sum(start => start.Count));
        Assert.Equal(starts.Select(start => start.Due).Order(), starts.Select(start => start.Due));
    }

    [Fact]
    public void A_simulation_without_a_length_is_refused_where_it_is_made() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Simulation.KeepConstant(1, TimeSpan.Zero));
}
