using LoadTests.Chaos;
using LoadTests.Measurements;
using LoadTests.Reports;
using LoadTests.Targets;

namespace Unit.Load;

public class RecoveryTests
{
    private static readonly TimeSpan Fault = TimeSpan.FromSeconds(10);

    [Fact]
    public void With_half_of_the_clients_cut_off_it_lasts_until_the_last_of_them_is_back() =>
        Assert.Equal(
            TimeSpan.FromSeconds(3),
            Recovery
                .After(
                    Seconds(
                        Good with
                        {
                            Delivered = 60,
                            Disconnected = 5,
                        },
                        Good with
                        {
                            Disconnected = 5,
                        },
                        Good with
                        {
                            Disconnected = 1,
                        },
                        Good,
                        Good
                    ),
                    Fault,
                    normal: 10
                )
                .Took
        );

    [Fact]
    public void Half_of_the_deliveries_is_no_recovery_although_every_client_is_connected() =>
        Assert.Equal(
            TimeSpan.FromSeconds(2),
            Recovery
                .After(
                    Seconds(Good with { Delivered = 50 }, Good with { Delivered = 74 }, Good with { Delivered = 76 }),
                    Fault,
                    normal: 10
                )
                .Took
        );

    [Fact]
    public void Publishes_without_an_answer_and_late_events_are_not_as_before() =>
        Assert.Equal(
            TimeSpan.FromSeconds(2),
            Recovery
                .After(Seconds(Good with { Acknowledged = 0 }, Good with { P50Ms = 1_200 }, Good), Fault, normal: 10)
                .Took
        );

    [Fact]
    public void While_publishers_wait_the_rate_before_the_fault_tells_what_is_missing()
    {
        var waiting = Good with { Published = 0, Acknowledged = 0, Delivered = 0 };
        Assert.Equal(
            [TimeSpan.Zero, TimeSpan.FromSeconds(1)],
            [
                Recovery.After(Seconds(waiting, Good), Fault, normal: 10).Took,
                Recovery.After(Seconds(waiting, Good), Fault, normal: 10, rate: 10).Took,
            ]
        );
    }

    [Fact]
    public void A_fault_without_effect_recovers_at_once_and_an_endless_one_is_reported() =>
        Assert.Equal(
            [new(TimeSpan.Zero), new(Took: null)],
            (Recovery[])
                [
                    Recovery.After(Seconds(Good, Good), Fault, normal: 10),
                    Recovery.After(Seconds(Good, Good with { Disconnected = 1 }), Fault, normal: 10),
                ]
        );

    [Fact]
    public void Where_no_whole_second_of_publishing_followed_the_fault_it_is_unknown()
    {
        foreach (
            var after in (IEnumerable<HistoryWindow>[])
                [
                    [],
                    Seconds(Good).Take(4),
                    Seconds(Good with { IsPublishing = false }),
                ]
        )
            Assert.Equal(new Recovery(Took: null, IsKnown: false), Recovery.After(after, Fault, normal: 10));
        var faults = (
            (Recovery[])[new(TimeSpan.FromSeconds(2)), new(Took: null), new(Took: null, IsKnown: false)]
        ).Select(r => new FaultRecord("Redis", "Kill", 1, 10, 1, true, r, 0));
        Assert.Equal(["2.0", "**not**", "**unknown**"], faults.Select(f => f.Recovered));
        Assert.Equal(
            [
                null,
                "the system had not recovered when the run ended",
                "unknown: no whole second of publishing followed, or nothing was delivered before",
            ],
            faults.Select(f => LoadThreshold.Of(f).Failure)
        );
    }

    [Fact]
    public void It_has_not_recovered_while_a_new_client_cannot_connect() =>
        Assert.Equal(
            TimeSpan.FromSeconds(2),
            Recovery.After(Seconds(Good with { Waiting = 2 }, Good with { Waiting = 1 }, Good), Fault, normal: 10).Took
        );

    [Fact]
    public void A_silent_generation_delays_recovery_and_seconds_after_the_last_publish_are_ignored() =>
        Assert.Equal(
            TimeSpan.FromSeconds(2),
            Recovery
                .After(
                    Seconds(
                        Good with
                        {
                            Published = 0,
                        },
                        Good with
                        {
                            Published = 0,
                            Stalled = 1,
                        },
                        Good,
                        Good with
                        {
                            Disconnected = 3,
                            IsPublishing = false,
                        }
                    ),
                    Fault,
                    normal: 0
                )
                .Took
        );

    [Theory]
    [InlineData(nameof(ChaosTarget.StreamApi), 5001, true, true)]
    [InlineData(nameof(ChaosTarget.StreamApi), 5002, false, true)] // the other replica's work goes on
    [InlineData(nameof(ChaosTarget.Postgres), 5002, true, true)]
    [InlineData(nameof(ChaosTarget.Redis), 5001, false, false)]
    [InlineData(nameof(ChaosTarget.Broadcaster), 5001, false, false)]
    public void A_fault_excuses_only_errors_that_depend_on_it(string broken, int port, bool end, bool refusal)
    {
        var (faults, began) = (new FaultLog(), System.Diagnostics.Stopwatch.GetTimestamp());
        var (seconds, failed) = (
            System.Diagnostics.Stopwatch.Frequency,
            began + (10 * System.Diagnostics.Stopwatch.Frequency)
        );
        Assert.False(faults.ExplainsEnd(port, began, failed) || faults.ExplainsRefusal(began, failed));
        var fault = faults.Begin(Enum.Parse<ChaosTarget>(broken), [5001]);
        Assert.Equal((end, refusal), (faults.ExplainsEnd(port, began, failed), faults.ExplainsRefusal(began, failed)));
        fault.Dispose();
        Assert.Equal((end, refusal), (faults.ExplainsEnd(port, began, failed), faults.ExplainsRefusal(began, failed)));
        foreach (
            var (other, its) in ((long, long)[])
                [
                    (began + (60 * seconds), began + (61 * seconds)),
                    (began, began + (60 * seconds)),
                    (began - (60 * seconds), began - seconds),
                ]
        )
            Assert.False(faults.ExplainsEnd(port, other, its) || faults.ExplainsRefusal(other, its));
    }

    private static HistoryWindow Good =>
        new(
            default,
            Delivered: 100,
            Published: 10,
            Acknowledged: 10,
            Open: 10,
            Disconnected: 0,
            Waiting: 0,
            Stalled: 0,
            P50Ms: 5,
            P99Ms: 20,
            IsPublishing: true
        );

    /// <summary>Each lasts a second, from the fault on; before it the system was healthy.</summary>
    private static IEnumerable<HistoryWindow> Seconds(params HistoryWindow[] seconds) =>
        seconds
            .SelectMany(s => Enumerable.Repeat(s, 4))
            .Prepend(Good)
            .Select((w, i) => w with { Until = Fault + (RunHistory.Window * i) });
}
