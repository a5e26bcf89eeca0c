using System.Text.Json;
using LoadTests.Reports;

namespace Unit.Load;

public class ComparisonTests
{
    [Theory]
    [InlineData(20, 21, false)]
    [InlineData(1, 8, false)] // eight times nearly nothing is noise
    [InlineData(20, 50, true)]
    public void A_latency_is_worse_beyond_a_ratio_and_a_difference(double before, double after, bool worse)
    {
        var (text, found) = Comparison.Table(Results(before, 100), Results(after, 100));
        Assert.Equal(worse, found.Any(f => f.StartsWith("fanout: delivery p50 ms", StringComparison.Ordinal)));
        Assert.Contains("| fanout | delivery p50 ms |", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_best_round_and_its_latency_are_those_of_the_steady_window()
    {
        var folder = Directory.CreateTempSubdirectory("compare-").FullName;
        try
        {
            var (before, after) = (Path.Combine(folder, "before.jsonl"), Path.Combine(folder, "after.jsonl"));
            File.WriteAllLines(before, [Line(whole: 5, steady: 90), Line(whole: 30, steady: 3)]);
            File.WriteAllLines(after, [Line(whole: 300, steady: 4)]);
            Assert.Equal(0, Comparison.Run(before, after, folder));
            Assert.Contains(
                "| fanout | delivery p50 ms | 3 | 4 |",
                File.ReadAllText(Path.Combine(folder, "comparison.md")),
                StringComparison.Ordinal
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        static string Line(double whole, double steady) =>
            JsonSerializer.Serialize(
                new
                {
                    scenario = "fanout",
                    deliveryMs = new { p50 = whole },
                    steadyDeliveryMs = new { p50 = steady },
                }
            );
    }

    [Fact]
    public void Fewer_deliveries_are_worse_and_more_are_not()
    {
        Assert.Contains(
            Comparison.Table(Results(1, 100), Results(1, 50)).Worse,
            w => w.Contains("delivered/s", StringComparison.Ordinal)
        );
        Assert.Empty(Comparison.Table(Results(1, 50), Results(1, 100)).Worse);
    }

    [Fact]
    public void Runs_with_different_settings_are_not_compared_and_the_report_says_so()
    {
        var (text, worse) = Comparison.Table(Results(1, 100), Results(500, 10, clients: 50));
        Assert.Empty(worse);
        Assert.Contains("| fanout | not compared: clients was 200, is 50 |", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_failed_is_worse_however_fast_and_a_scenario_without_base_is_named()
    {
        var failed = new Dictionary<string, JsonElement>
        {
            ["resume"] = JsonSerializer.SerializeToElement(new { scenario = "resume", ok = false }),
        };
        var (text, worse) = Comparison.Table(Results(1, 100), failed);
        Assert.StartsWith("resume: a threshold failed", Assert.Single(worse), StringComparison.Ordinal);
        Assert.Contains("| resume | not compared: the base does not have it |", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("3")]
    [InlineData("""{"scenario":null}""")]
    [InlineData("{")]
    public void A_file_that_is_no_result_is_refused_by_its_name(string line)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, line);
            Assert.Contains(file, Refused(file), StringComparison.Ordinal);
            Assert.Contains("is a folder", Refused(Path.GetTempPath()), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }

        static string Refused(string path) =>
            Assert.Throws<LoadTests.LoadTestException>(() => Comparison.Run(path, path, "")).Message;
    }

    [Fact]
    public void Two_runs_with_nothing_in_common_are_no_comparison_that_held()
    {
        var folder = Directory.CreateTempSubdirectory("compare-").FullName;
        try
        {
            var (before, after) = (Path.Combine(folder, "before.jsonl"), Path.Combine(folder, "after.jsonl"));
            File.WriteAllText(before, """{"scenario":"fanout","deliveryMs":{"p50":1}}""");
            File.WriteAllText(after, """{"scenario":"resume","deliveryMs":{"p50":1}}""");
            Assert.Contains(
                "no scenario in common",
                Assert.Throws<LoadTests.LoadTestException>(() => Comparison.Run(before, after, folder)).Message,
                StringComparison.Ordinal
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Dictionary<string, JsonElement> Results(double p50, double delivered, int clients = 200) =>
        new()
        {
            ["fanout"] = JsonSerializer.SerializeToElement(
                new
                {
                    scenario = "fanout",
                    clients,
                    deliveredPerSecond = delivered,
                    deliveryMs = new { p50, p99 = p50 },
                }
            ),
        };
}
