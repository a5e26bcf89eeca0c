using LatencyHistogram = Measuring.LatencyHistogram;

namespace Unit.Load;

public class LatencyHistogramTests
{
    private readonly LatencyHistogram _histogram = new();

    [Theory]
    [InlineData(1)]
    [InlineData(1_000)]
    [InlineData(20_000)]
    public void A_percentile_is_the_nearest_rank_of_the_values_of_all_threads_and_never_below_it(int count)
    {
        Assert.Equal(0, _histogram.Snapshot().Percentile(99));
        _histogram.Record(TimeSpan.FromDays(1));
        var before = _histogram.Snapshot();
        var random = new Random(count);
        var values = Enumerable
            .Range(0, count)
            .Select(_ => (long)Math.Pow(10, 1 + (random.NextDouble() * 7)))
            .Order()
            .ToArray();

        Parallel.ForEach(values, _histogram.RecordTicks);

        var since = _histogram.Snapshot().Since(before);
        Assert.Equal((count, count + 1), (since.Count, _histogram.Count()));

        foreach (var percent in (double[])[50, 75, 95, 99, 99.9, 100])
        {
            var rank = (int)Math.Ceiling((decimal)percent * count / 100);
            var exact = values[rank - 1] / (double)TimeSpan.TicksPerMillisecond;
            Assert.InRange(since.Percentile(percent), exact, exact * 1.016);
        }
    }
}
