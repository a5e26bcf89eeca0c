using Reliability.Abuse;

namespace Unit.Proofs;

/// <summary>A row of an abuse passes only within its limits.</summary>
public sealed class AbuseRowTests
{
    private const string Control = "a control";
    private static readonly AbuseCase Abuse = new("an abuse", (_, _) => Task.FromResult(""));
    private static readonly AbuseCase Limited = Abuse with { Limit = new ControlLimit(Control, Margin: 1.2, Most: 4) };
    private static readonly AbuseCase Development = Abuse with { InDevelopment = true };
    private static readonly AbuseMeasurements Measured = new()
    {
        Without = Window(10),
        During = Window(12),
        All = Window(10),
        Memory = (300, 350, 310),
        Store = (6, 7),
        Responses = "200 × 10",
    };

    private static readonly (
        string Case,
        AbuseCase Abuse,
        double? Control,
        AbuseMeasurements Measured,
        bool Passes
    )[] Rows =
    [
        ("within every limit", Abuse, null, Measured, true),
        ("twice the latency of the others", Abuse, null, During(20), true),
        ("more", Abuse, null, During(21), false),
        ("the ratio of a control that is less than two", Limited, 1, During(20), true),
        ("more than twice beside such a control", Limited, 1, During(21), false),
        ("the control's ratio and its margin", Limited, 3, During(35), true),
        ("more than its margin", Limited, 3, During(37), false),
        ("more than the most of any control", Limited, 5, During(41), false),
        ("twice beside a control that was not measured", Limited, null, During(20), true),
        ("more beside it", Limited, null, During(21), false),
        ("a control itself", Abuse with { IsControl = true }, null, During(100), true),
        ("a second in Development", Development, null, During(1_000), true),
        ("a later event in Development", Development, null, During(1_001), false),
        (
            "a later answer in Development",
            Development,
            null,
            Measured with
            {
                During = Window(12) with { SlowestAnswer = 1_001 },
            },
            false
        ),
        ("Postgres at rest", Abuse, null, Measured with { Store = (6, 21) }, true),
        ("Postgres still at work", Abuse, null, Measured with { Store = (6, 22) }, false),
        ("a session still at work", Abuse, null, Measured with { BusySessions = 1 }, false),
        ("a lost event", Abuse, null, Measured with { All = Window(10) with { Lost = 1 } }, false),
        ("a refused event", Abuse, null, Measured with { All = Window(10) with { Refused = 1 } }, false),
        ("an unanswered event", Abuse, null, Measured with { All = Window(10) with { Waiting = 1 } }, false),
        ("a doubled event", Abuse, null, Measured with { Duplicates = 1 }, false),
        ("a client that was ended", Abuse, null, Measured with { Ended = ["reset"] }, false),
        ("memory at the height", Abuse, null, Measured with { Memory = (300, 900, 300) }, false),
        ("memory that stays", Abuse, null, Measured with { Memory = (300, 460, 450) }, false),
        ("a load that died", Abuse, null, Measured with { Responses = "**the load process has died**" }, false),
    ];

    public static TheoryData<string> Cases => [.. Rows.Select(r => r.Case)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_row_passes_only_within_its_limits(string name)
    {
        var (_, abuse, control, measured, passes) = Rows.Single(r => r.Case == name);
        var ratios = new Dictionary<string, double> { ["another"] = 100 };

        if (control is { } ratio)
            ratios[Control] = ratio;

        var row = AbuseRow.Of(abuse, measured, ratios);
        Assert.True(row.Ok == passes, row.Line);
    }

    [Fact]
    public void Its_line_has_every_measurement_and_what_is_beyond_a_limit_in_bold()
    {
        Assert.Equal(
            "| an abuse | 10.0 | 12.0 | 1.20 | 0 | 300 → 350 → 310 | 6 → 7 | 200 × 10 |",
            AbuseRow.Of(Abuse, Measured, new Dictionary<string, double>()).Line
        );
        Assert.Equal(
            "| an abuse | 10.0 | 21.0 | **2.10** | 0 | 300 → 350 → 310 | 6 → **22** | 200 × 10 |",
            AbuseRow.Of(Abuse, During(21) with { Store = (6, 22) }, new Dictionary<string, double>()).Line
        );
    }

    private static AbuseMeasurements During(double latency) => Measured with { During = Window(latency) };

    private static EventWindow Window(double latency) =>
        new([latency], Refused: 0, Lost: 0, Waiting: 0, SlowestAnswer: latency);
}
