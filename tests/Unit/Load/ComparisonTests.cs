using LoadTests;
using LoadTests.Reports;

namespace Unit.Load;

/// <summary>The verdict of <c>LoadTests --compare</c> about the files of two runs.</summary>
public sealed class ComparisonTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("compare-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("""{"deliveryMs":{"p50":20}}""", """{"deliveryMs":{"p50":21}}""", 0, "| delivery p50 ms | 20 | 21 |")]
    [InlineData("""{"deliveryMs":{"p50":1}}""", """{"deliveryMs":{"p50":8}}""", 0, "| 8.00 |")] // nearly nothing
    [InlineData("""{"deliveryMs":{"p50":20}}""", """{"deliveryMs":{"p50":50}}""", 1, "| 2.50 | **worse**")]
    [InlineData("""{"deliveryMs":{"p99":50}}""", """{"deliveryMs":{"p99":300}}""", 1, "| 6.00 | **worse**")]
    [InlineData("""{"deliveredPerSecond":100}""", """{"deliveredPerSecond":50}""", 1, "| 0.50 | **worse**")]
    [InlineData("""{"deliveredPerSecond":50}""", """{"deliveredPerSecond":100}""", 0, "| 2.00 |")]
    // The best round counts, and of it the steady window.
    [InlineData(
        """{"deliveryMs":{"p50":5},"steadyDeliveryMs":{"p50":90}};"""
            + """{"deliveryMs":{"p50":30},"steadyDeliveryMs":{"p50":3}}""",
        """{"deliveryMs":{"p50":300},"steadyDeliveryMs":{"p50":4}}""",
        0,
        "| delivery p50 ms | 3 | 4 |"
    )]
    // However fast a failed run was.
    [InlineData("""{"deliveryMs":{"p50":1}}""", """{"ok":false,"deliveryMs":{"p50":1}}""", 1, "| 1.00 |")]
    public void A_run_is_worse_beyond_a_ratio_and_a_difference(string before, string after, int code, string row)
    {
        Assert.Equal(code, Compare(File("before", before), File("after", after)));
        var page = System.IO.File.ReadAllText(Path.Combine(_folder, "comparison.md"));
        Assert.Contains("| fanout |", page, StringComparison.Ordinal);
        Assert.Contains(row, page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"clients":200,"deliveryMs":{"p50":1}}""", "| fanout | not compared: clients was 200, is 50 |")]
    [InlineData("""{"scenario":"resume"}""", "| fanout | not compared: the base does not have it |")]
    public void Two_runs_with_nothing_in_common_are_no_comparison_that_held(string before, string reason)
    {
        var after = File("after", """{"clients":50,"deliveryMs":{"p50":1}}""");
        var refused = Assert.Throws<LoadTestException>(() => Compare(File("before", before), after)).Message;
        Assert.Contains("no scenario in common", refused, StringComparison.Ordinal);
        Assert.Contains(reason, refused, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("3")]
    [InlineData("""{"scenario":null}""")]
    [InlineData("{")]
    public void A_file_that_is_no_result_is_refused_by_its_name(string line)
    {
        var file = Path.Combine(_folder, "broken.jsonl");
        System.IO.File.WriteAllText(file, line);

        foreach (var path in (string[])[file, _folder])
            Assert.Contains(
                path,
                Assert.Throws<LoadTestException>(() => Compare(path, path)).Message,
                StringComparison.Ordinal
            );
    }

    private int Compare(string before, string after) => Comparison.Run(before, after, _folder);

    /// <summary>Writes the results of rounds; those that name no scenario are of <c>fanout</c>.</summary>
    private string File(string name, string rounds)
    {
        var file = Path.Combine(_folder, name + ".jsonl");
        System.IO.File.WriteAllLines(
            file,
            rounds.Split(';').Select(r => r.Contains("scenario") ? r : """{"scenario":"fanout",""" + r[1..])
        );
        return file;
    }
}
