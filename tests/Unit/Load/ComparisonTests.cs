using System.Text.Json;
using LoadTests.Reports;

namespace Unit.Load;

public class ComparisonTests
{
    [Theory]
    [InlineData(20, 21, false)]
    [InlineData(1, 8, false)]       // eight times nearly nothing is noise
    [InlineData(20, 50, true)]
    public void A_latency_is_worse_beyond_a_ratio_and_a_difference(double before, double after, bool worse)
    {
        var (text, found) = Comparison.Table(Results(before, 100), Results(after, 100));
        Assert.Equal(worse, found.Any(f => f.StartsWith("fanout: delivery p50 ms", StringComparison.Ordinal)));
        Assert.Contains("| fanout | delivery p50 ms |", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Fewer_deliveries_are_worse_and_more_are_not()
    {
        Assert.Contains(Comparison.Table(Results(1, 100), Results(1, 50)).Worse, w => w.Contains("delivered/s", StringComparison.Ordinal));
        Assert.Empty(Comparison.Table(Results(1, 50), Results(1, 100)).Worse);
    }

    private static Dictionary<string, JsonElement> Results(double p50, double delivered) => new()
    {
        ["fanout"] = JsonSerializer.SerializeToElement(new { scenario = "fanout", deliveredPerSecond = delivered, deliveryMs = new { p50, p99 = p50 } }),
    };
}
