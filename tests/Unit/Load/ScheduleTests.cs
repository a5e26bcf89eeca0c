using NBomber.CSharp;
using NBomber.Running;

namespace Unit.Load;

public class ScheduleTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Copies_ramp_from_the_previous_number_and_then_stay()
    {
        var schedule = new Schedule([
            Simulation.RampingConstant(10, 10 * Second),
            Simulation.KeepConstant(10, 5 * Second),
            Simulation.RampingConstant(2, 8 * Second),
        ]);
        Assert.Equal(23 * Second, schedule.Duration);
        Assert.Equal(
            (0, 5, 10),
            (schedule.CopiesAt(TimeSpan.Zero), schedule.CopiesAt(5 * Second), schedule.CopiesAt(12 * Second))
        );
        Assert.Equal(6, schedule.CopiesAt(19 * Second));
        Assert.Equal(0, schedule.CopiesAt(23 * Second));
    }

    [Fact]
    public void An_injection_is_due_at_each_interval_also_after_a_pause()
    {
        var schedule = new Schedule([Simulation.Pause(2 * Second), Simulation.Inject(3, Second / 2, 2 * Second)]);
        Assert.Equal(
            [(2.0, 3), (2.5, 3), (3.0, 3), (3.5, 3)],
            schedule.Injections().Select(i => (i.Due.TotalSeconds, i.Count))
        );
        Assert.All((double[])[0, 1.9, 2.5], at => Assert.Equal(0, schedule.CopiesAt(at * Second)));
    }

    [Fact]
    public void A_ramp_of_injections_sums_up_to_its_area_although_each_is_a_whole_number()
    {
        var schedule = new Schedule([
            Simulation.RampingInject(1, Second / 100, 10 * Second),
            Simulation.Inject(1, Second / 100, Second),
        ]);
        var injections = schedule.Injections().ToList();
        Assert.InRange(injections.Where(i => i.Due < 10 * Second).Sum(i => i.Count), 499, 502);
        Assert.Equal(100, injections.Where(i => i.Due >= 10 * Second).Sum(i => i.Count));
        Assert.Equal(injections.Select(i => i.Due).Order(), injections.Select(i => i.Due));
    }

    [Fact]
    public void A_simulation_without_a_length_is_refused_where_it_is_made() =>
        Assert.Contains(
            "must be above zero",
            Assert.Throws<ArgumentException>(() => Simulation.KeepConstant(1, TimeSpan.Zero)).Message,
            StringComparison.Ordinal
        );
}
