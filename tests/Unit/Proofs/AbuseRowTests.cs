using Reliability.Abuse;

namespace Unit.Proofs;

/// <summary>A row of an abuse passes only within its limits.</summary>
public sealed class AbuseRowTests
{
    private static readonly AbuseCase Abuse = new("an abuse", (_, _) => Task.FromResult(""));
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

    private static readonly (string Case, AbuseCase Abuse, AbuseMeasurements Measured, bool Passes)[] Rows =
    [
        ("within every limit", Abuse, Measured, true),
        ("twice the latency of the others", Abuse, During(20), true),
        ("more", Abuse, During(21), false),
        ("more, with as much processor time burned", Abuse, During(21) with { Burned = Window(17) }, true),
        ("a quarter more than that", Abuse, During(25) with { Burned = Window(20) }, true),
        ("more than a quarter more", Abuse, During(26) with { Burned = Window(20) }, false),
        ("less than burned costs, within twice", Abuse, During(20) with { Burned = Window(5) }, true),
        ("50 ms where that is usual", Abuse, During(50) with { Without = Window(40) }, true),
        ("more than 50 ms", Abuse, During(51) with { Without = Window(40), Burned = Window(51) }, false),
        ("no event without the load", Abuse, Measured with { Without = new([], 0, 0, 0, 0) }, false),
        ("a second in Development", Development, During(1_000), true),
        ("a later event in Development", Development, During(1_001), false),
        (
            "a later answer in Development",
            Development,
            Measured with
            {
                During = Window(12) with { SlowestAnswer = 1_001 },
            },
            false
        ),
        ("Postgres at rest", Abuse, Measured with { Store = (6, 21) }, true),
        ("Postgres still at work", Abuse, Measured with { Store = (6, 22) }, false),
        ("a session still at work", Abuse, Measured with { BusySessions = 1 }, false),
        ("a lost event", Abuse, Measured with { All = Window(10) with { Lost = 1 } }, false),
        ("a refused event", Abuse, Measured with { All = Window(10) with { Refused = 1 } }, false),
        ("an unanswered event", Abuse, Measured with { All = Window(10) with { Waiting = 1 } }, false),
        ("a doubled event", Abuse, Measured with { Duplicates = 1 }, false),
        ("a client that was ended", Abuse, Measured with { Ended = ["reset"] }, false),
        ("memory at the height", Abuse, Measured with { Memory = (300, 900, 300) }, false),
        ("memory that stays", Abuse, Measured with { Memory = (300, 460, 450) }, false),
        ("a load that died", Abuse, Measured with { Responses = "**the load process has died**" }, false),
    ];

    public static TheoryData<string> Cases => [.. Rows.Select(r => r.Case)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_row_passes_only_within_its_limits(string name)
    {
        var (_, abuse, measured, passes) = Rows.Single(r => r.Case == name);
        var row = AbuseRow.Of(abuse, measured);
        Assert.True(row.Ok == passes, row.Line);
    }

    [Fact]
    public void Its_line_has_every_measurement_and_what_is_beyond_a_limit_in_bold()
    {
        Assert.Equal(
            "| an abuse | 10.0 | 12.0 | 1.20 | – | 0 | 300 → 350 → 310 | 6 → 7 | 200 × 10 |",
            AbuseRow.Of(Abuse, Measured).Line
        );
        Assert.Equal(
            "| an abuse | 10.0 | 21.0 | **2.10** | 16.0 | 0 | 300 → 350 → 310 | 6 → **22** | 200 × 10 |",
            AbuseRow.Of(Abuse, During(21) with { Store = (6, 22), Burned = Window(16) }).Line
        );
    }

    /// <summary>It takes as long as the abuse.</summary>
    [Theory]
    [InlineData(20, false)]
    [InlineData(21, true)]
    [InlineData(51, false)]
    public void The_processor_time_is_burned_only_if_it_decides(double during, bool isDue) =>
        Assert.Equal(isDue, During(during).NeedsBurned);

    private static AbuseMeasurements During(double latency) => Measured with { During = Window(latency) };

    private static EventWindow Window(double latency) =>
        new([latency], Refused: 0, Lost: 0, Waiting: 0, SlowestAnswer: latency);
}
