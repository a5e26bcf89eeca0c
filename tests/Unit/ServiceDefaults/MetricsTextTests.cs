using Harness;

namespace Unit.ServiceDefaults;

/// <summary>The reader of Prometheus's text must refuse what Prometheus would refuse or misread.</summary>
public class MetricsTextTests
{
    [Theory]
    [InlineData("# TYPE a gauge\na 1")]
    [InlineData("# TYPE a gauge\na 1 2 3\n")]
    [InlineData("# TYPE a gauge\na{b=1} 1\n")]
    [InlineData("# TYPE a gauge\na{b=\"1\n\"} 1\n")]
    [InlineData("# TYPE a gauge\na{b=\"1\",b=\"2\"} 1\n")]
    [InlineData("# TYPE a gauge\na 1\na 2\n")]
    [InlineData("# TYPE a gauge\nb 1\n")]
    [InlineData("# TYPE a something\na 1\n")]
    [InlineData("# TYPE a counter\na 1\n")]
    [InlineData("# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\na 2\n")]
    [InlineData("# TYPE a.b gauge\na.b 1\n")]
    [InlineData("# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n")]
    [InlineData("# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n")]
    [InlineData("# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n")]
    public void A_broken_rule_of_the_format_is_refused(string text) =>
        Assert.Throws<FormatException>(() => MetricsText.Parse(text));

    [Fact]
    public void Names_labels_and_values_are_read()
    {
        var metrics = MetricsText.Parse("# HELP a_total Text.\n# TYPE a_total counter\na_total{b=\"x\\\"y\"} 2.5 17\n");
        var sample = Assert.Single(metrics.Samples);
        Assert.Equal(("a_total", "x\"y", 2.5), (sample.Name, sample.Labels["b"], sample.Value));
    }
}
