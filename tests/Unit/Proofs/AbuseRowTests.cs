using Reliability.Abuse;

namespace Unit.Proofs;

/// <summary>A row of an abuse passes only within its limits.</summary>
public sealed class AbuseRowTests
{
    private const string Control = "a control";
    private static readonly AbuseCase Abuse = new("an abuse", (_, _) => Task.FromResult(""));
    private static readonly AbuseMeasurements Measured = new()
    {
        Without = Window(10),
        During = Window(12),
        All = Window(10),
        Memory = (300, 350, 310),
        Store = (6, 7),
        Responses = "200 × 10",
    };

    [Fact]
    public void A_row_within_every_limit_passes()
    {
        var row = Of(Abuse, Measured);
        Assert.True(row.Ok, row.Line);
        Assert.Equal("| an abuse | 10.0 | 12.0 | 1.20 | 0 | 300 → 350 → 310 | 6 → 7 | 200 × 10 |", row.Line);
    }

    [Theory]
    [InlineData(20, true)]
    [InlineData(21, false)]
    public void The_others_latency_may_double(double during, bool passes)
    {
        var row = Of(Abuse, Measured with { During = Window(during) });
        Assert.Equal(passes, row.Ok);
        Assert.Equal(!passes, row.Line.Contains("**2.10**", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1.0, 20, true)]
    [InlineData(1.0, 21, false)]
    [InlineData(3.0, 35, true)]
    [InlineData(3.0, 37, false)]
    [InlineData(5.0, 41, false)]
    public void A_row_with_a_control_may_have_a_multiple_of_its_ratio(double control, double during, bool passes)
    {
        var abuse = Abuse with { Limit = new ControlLimit(Control, Margin: 1.2, Most: 4) };
        var row = AbuseRow.Of(
            abuse,
            Measured with
            {
                During = Window(during),
            },
            new Dictionary<string, double> { [Control] = control, ["another"] = 100 }
        );
        Assert.Equal(passes, row.Ok);
    }

    [Fact]
    public void A_row_whose_control_was_not_measured_may_double()
    {
        var abuse = Abuse with { Limit = new ControlLimit(Control, Margin: 1.2, Most: 4) };
        Assert.True(Of(abuse, Measured with { During = Window(20) }).Ok);
        Assert.False(Of(abuse, Measured with { During = Window(21) }).Ok);
    }

    [Fact]
    public void A_control_has_no_limit_itself() =>
        Assert.True(Of(Abuse with { IsControl = true }, Measured with { During = Window(100) }).Ok);

    [Fact]
    public void Work_that_Postgres_still_does_ten_seconds_later_fails_the_row()
    {
        Assert.True(Of(Abuse, Measured with { Store = (6, 21) }).Ok);
        var row = Of(Abuse, Measured with { Store = (6, 22) });
        Assert.False(row.Ok);
        Assert.Contains("| 6 → **22** |", row.Line, StringComparison.Ordinal);
        Assert.False(Of(Abuse, Measured with { BusySessions = 1 }).Ok);
    }

    [Fact]
    public void Lost_refused_or_doubled_events_memory_and_ended_clients_fail_the_row() =>
        Assert.All(
            [
                Measured with
                {
                    All = Window(10) with { Lost = 1 },
                },
                Measured with
                {
                    All = Window(10) with { Refused = 1 },
                },
                Measured with
                {
                    All = Window(10) with { Waiting = 1 },
                },
                Measured with
                {
                    Duplicates = 1,
                },
                Measured with
                {
                    Ended = ["reset"],
                },
                Measured with
                {
                    Memory = (300, 900, 300),
                },
                Measured with
                {
                    Memory = (300, 460, 450),
                },
                Measured with
                {
                    Responses = "**the load process has died**",
                },
            ],
            measured => Assert.False(Of(Abuse, measured).Ok)
        );

    [Fact]
    public void A_row_in_Development_is_judged_by_a_second_instead()
    {
        var abuse = Abuse with { InDevelopment = true };
        Assert.True(Of(abuse, Measured with { During = Window(1_000) }).Ok);
        Assert.False(Of(abuse, Measured with { During = Window(1_001) }).Ok);
        Assert.False(Of(abuse, Measured with { During = Window(12) with { SlowestAnswer = 1_001 } }).Ok);
    }

    private static Reliability.Outcome Of(AbuseCase abuse, AbuseMeasurements measured) =>
        AbuseRow.Of(abuse, measured, new Dictionary<string, double>());

    private static EventWindow Window(double latency) =>
        new([latency], Refused: 0, Lost: 0, Waiting: 0, SlowestAnswer: latency);
}
