using System.Diagnostics;
using LoadTests.Chaos;
using LoadTests.Measurements;
using LoadTests.Reports;
using LoadTests.Targets;

namespace Unit.Load;

/// <summary>The verdict about a fault: the system recovered, it did not, or nobody knows.</summary>
public class RecoveryTests
{
    private const string Never = "the system had not recovered when the run ended",
        Unknown = "unknown: no whole second of publishing followed, or nothing was delivered before";

    private static readonly TimeSpan Fault = TimeSpan.FromSeconds(10);

    private static readonly HistoryWindow Good = new(
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

    private static readonly HistoryWindow Waiting = Good with { Published = 0, Acknowledged = 0, Delivered = 0 };

    /// <summary>The seconds after a fault, and how long the recovery took, or null until after the end.</summary>
    private static readonly (string Case, HistoryWindow[] Seconds, int? Took)[] Cases =
    [
        ("a fault without effect", [Good, Good], 0),
        ("a client that is cut off at the end", [Good, Good with { Disconnected = 1 }], null),
        (
            "half of the clients are cut off",
            [Good with { Delivered = 60, Disconnected = 5 }, Good with { Disconnected = 1 }, Good, Good],
            2
        ),
        (
            "half of the deliveries, although every client is connected",
            [Good with { Delivered = 50 }, Good with { Delivered = 74 }, Good with { Delivered = 76 }],
            2
        ),
        ("no answers, then late events", [Good with { Acknowledged = 0 }, Good with { P50Ms = 1_200 }, Good], 2),
        ("new clients wait", [Good with { Waiting = 2 }, Good with { Waiting = 1 }, Good], 2),
        ("a silent generation", [Good, Good with { Stalled = 1 }, Good], 2),
        ("the end of publishing", [Good, Good with { Disconnected = 3, IsPublishing = false }], 0),
        ("publishers that wait", [Waiting, Good], 0),
    ];

    public static TheoryData<string> Names => [.. Cases.Select(c => c.Case)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_recovery_lasts_to_the_end_of_the_last_second_that_was_not_as_before(string name)
    {
        var (_, seconds, took) = Cases.Single(c => c.Case == name);
        var recovery = Recovery.After(Windows(seconds), Fault, normal: 10);
        Assert.Equal(new Recovery(took is { } whole ? TimeSpan.FromSeconds(whole) : null), recovery);
        Assert.Equal(took is null ? Never : null, Verdict(recovery));
    }

    [Fact]
    public void While_publishers_wait_the_rate_before_the_fault_tells_what_is_missing() =>
        Assert.Equal(TimeSpan.FromSeconds(1), Recovery.After(Windows(Waiting, Good), Fault, normal: 10, rate: 10).Took);

    [Fact]
    public void Where_no_whole_second_of_publishing_followed_the_fault_it_is_unknown_and_no_success()
    {
        foreach (
            var after in (IEnumerable<HistoryWindow>[])
                [
                    [],
                    Windows(Good).Take(4),
                    Windows(Good with { IsPublishing = false }),
                ]
        )
        {
            var recovery = Recovery.After(after, Fault, normal: 10);
            Assert.Equal(new Recovery(Took: null, IsKnown: false), recovery);
            Assert.Equal(Unknown, Verdict(recovery));
        }
    }

    [Theory]
    [InlineData(nameof(ChaosTarget.StreamApi), 5001, true, true)]
    [InlineData(nameof(ChaosTarget.StreamApi), 5002, false, true)] // the other replica's work goes on
    [InlineData(nameof(ChaosTarget.Postgres), 5002, true, true)]
    [InlineData(nameof(ChaosTarget.Redis), 5001, false, false)]
    [InlineData(nameof(ChaosTarget.Broadcaster), 5001, false, false)]
    public void A_fault_excuses_only_errors_that_depend_on_it(string broken, int port, bool end, bool refusal)
    {
        var faults = new FaultLog();
        var began = Stopwatch.GetTimestamp();
        Assert.Equal((false, false), Explained(0, 10));

        var fault = faults.Begin(Enum.Parse<ChaosTarget>(broken), [5001]);
        Assert.Equal((end, refusal), Explained(0, 10));
        fault.Dispose();

        Assert.Equal((end, refusal), Explained(0, 10));

        foreach (var (other, failed) in ((int, int)[])[(60, 61), (0, 60), (-60, -1)])
            Assert.Equal((false, false), Explained(other, failed));

        (bool End, bool Refusal) Explained(int start, int failed)
        {
            var from = began + (start * Stopwatch.Frequency);
            var until = began + (failed * Stopwatch.Frequency);
            return (faults.ExplainsEnd(port, from, until), faults.ExplainsRefusal(from, until));
        }
    }

    private static string? Verdict(Recovery recovery) =>
        LoadThreshold.Of(new FaultRecord("Redis", "Kill", 1, 10, 1, true, recovery, 0)).Failure;

    /// <summary>Each lasts a second, from the fault on; before it the system was healthy.</summary>
    private static IEnumerable<HistoryWindow> Windows(params HistoryWindow[] seconds) =>
        seconds
            .SelectMany(s => Enumerable.Repeat(s, 4))
            .Prepend(Good)
            .Select((w, i) => w with { Until = Fault + (RunHistory.Window * i) });
}
