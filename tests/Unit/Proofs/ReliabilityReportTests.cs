using Reliability;

namespace Unit.Proofs;

/// <summary>The report says how many rows ran, and never counts a row that did not.</summary>
public sealed class ReliabilityReportTests
{
    private static readonly Section Faults = Sections.All.Single(s => s.Part == "faults");
    private static readonly IReadOnlyList<string> Names = [.. Faults.Checks.Select(c => c.Name)];

    /// <param name="rows">Rows of the run: passed, failed, broken off, or not done on this machine.</param>
    /// <param name="old">Rows of earlier runs.</param>
    /// <param name="counted">The report's own count.</param>
    [Theory]
    [InlineData("passed", 2, "1 of {0} rows run, of which 1 passed; 2 rows are of earlier runs;")]
    [InlineData("passed failed", 0, "2 of {0} rows run, of which 1 passed;")]
    [InlineData("passed broken", 0, "2 of {0} rows run, of which 1 passed;")]
    [InlineData("passed absent", 0, "1 of {0} rows run, of which 1 passed; 1 not done on this machine;")]
    public void Rows_that_did_not_run_or_not_pass_are_counted_as_such(string rows, int old, string counted)
    {
        var outcomes = rows.Split(' ').Select((row, i) => (Names[i], Outcome(row, Names[i]))).ToDictionary();
        var report = ReliabilityReport.Into(
            "# Reliability\n",
            ReliabilityOptions.Parse(["--part", "faults"])!,
            outcomes,
            Names.Skip(outcomes.Count).Take(old).ToDictionary(name => name, name => $"| {name} | old |")
        );

        Assert.Contains(
            $"UTC: {counted.Replace("{0}", $"{Names.Count}", StringComparison.Ordinal)}\n",
            report,
            StringComparison.Ordinal
        );
        Assert.Equal(old, report.Split(" | old |").Length - 1);
    }

    private static Outcome Outcome(string row, string name) =>
        row switch
        {
            "broken" => new Outcome(false, ""),
            "absent" => new Outcome(false, Faults.Line(Faults.Checks[1], "not done: no root"), true),
            _ => new Outcome(row == "passed", $"| {name} | new |"),
        };
}
