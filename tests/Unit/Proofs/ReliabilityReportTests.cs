using Reliability;

namespace Unit.Proofs;

/// <summary>The report says how many rows ran, and never counts a row that did not.</summary>
public sealed class ReliabilityReportTests
{
    private static readonly Section Faults = ReportTables.All.Single(s => s.Part == "faults");
    private static readonly IReadOnlyList<string> Names = [.. Faults.Checks.Select(c => c.Name)];

    [Fact]
    public void Rows_of_earlier_runs_are_counted_as_such()
    {
        var report = Into([new Outcome(true, $"| {Names[0]} | new |")], [Names[1], Names[2]]);
        Assert.Contains(
            $"UTC: 1 of {Names.Count} rows run, of which 1 passed; 2 rows are of earlier runs; ",
            report,
            StringComparison.Ordinal
        );
        Assert.Contains($"| {Names[1]} | old |", report, StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_that_this_machine_cannot_run_has_neither_run_nor_passed()
    {
        var report = Into(
            [new Outcome(true, ""), new Outcome(false, Faults.Line(Faults.Checks[1], "not done: no root"), true)],
            []
        );
        Assert.Contains(
            $"UTC: 1 of {Names.Count} rows run, of which 1 passed; 1 not done on this machine; ",
            report,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_row_that_broke_off_has_run_and_not_passed()
    {
        var report = Into([new Outcome(true, ""), new Outcome(false, "")], []);
        Assert.Contains($"UTC: 2 of {Names.Count} rows run, of which 1 passed; ", report, StringComparison.Ordinal);
    }

    [Fact]
    public void The_text_around_a_table_stays_and_the_line_about_the_run_is_replaced()
    {
        var report = Into([new Outcome(true, $"| {Names[0]} | new |")], [Names[0]]);
        Assert.StartsWith("# Reliability\n\n## Faults\n\nThe columns.\n\n20", report, StringComparison.Ordinal);
        Assert.EndsWith($"| {Names[0]} | new |\n\nA remark.\n\n## Abuse\n", report, StringComparison.Ordinal);
        Assert.Single(report.Split('\n'), line => line.Contains("rows run", StringComparison.Ordinal));
        Assert.DoesNotContain("old", report, StringComparison.Ordinal);
    }

    private static string Into(IReadOnlyList<Outcome> outcomes, IReadOnlyList<string> old) =>
        ReliabilityReport.Into(
            $"""
            # Reliability

            ## Faults

            The columns.

            2026-01-01 00:00 UTC: 1 of 1 rows run, of which 1 passed; some machine.

            {Faults.Header}
            |---|
            {string.Concat(old.Select(name => $"| {name} | old |\n"))}
            A remark.

            ## Abuse
            """,
            ReliabilityOptions.Parse(["--part", "faults"])!,
            outcomes.Select((outcome, i) => (Names[i], outcome)).ToDictionary()
        );
}
