using LatencyHistogram = Measuring.LatencyHistogram;

namespace Unit.Load;

public class LatencyHistogramTests
{
    private readonly LatencyHistogram _histogram = new();

    [Theory]
    [InlineData(50)]
    [InlineData(75)]
    [InlineData(95)]
    [InlineData(99)]
    [InlineData(99.9)]
    public void A_percentile_is_the_nearest_rank_and_never_below_it(double percent)
    {
        var random = new Random(7);
        var values = Enumerable
            .Range(0, 20_000)
            .Select(_ => (long)Math.Pow(10, 1 + (random.NextDouble() * 7)))
            .ToArray();
        foreach (var value in values)
            _histogram.RecordTicks(value);
        var exact =
            values.Order().ElementAt((int)Math.Ceiling((decimal)percent * values.Length / 100) - 1)
            / (double)TimeSpan.TicksPerMillisecond;
        Assert.InRange(_histogram.Snapshot().Percentile(percent), exact, exact * 1.016);
    }

    [Fact]
    public void One_slow_value_in_a_thousand_affects_only_the_percentiles_above_it()
    {
        for (var i = 0; i < 999; i++)
            _histogram.Record(TimeSpan.FromMilliseconds(1));
        _histogram.Record(TimeSpan.FromMilliseconds(500));
        var snapshot = _histogram.Snapshot();
        Assert.InRange(snapshot.Percentile(99.9), 1, 1.02);
        Assert.Equal(500, snapshot.Percentile(100));
        Assert.Equal((1_000, 500), (snapshot.Count, snapshot.MaxMs));
    }

    [Fact]
    public void Values_of_many_threads_are_all_counted()
    {
        Parallel.For(
            0,
            8,
            _ =>
            {
                for (var i = 1; i <= 10_000; i++)
                    _histogram.RecordTicks(i);
            }
        );
        Assert.Equal((80_000, 80_000), (_histogram.Snapshot().Count, _histogram.Count()));
        Assert.Equal(1, _histogram.Snapshot().MaxMs);
    }

    [Fact]
    public void The_difference_of_two_snapshots_has_only_the_newer_values()
    {
        _histogram.Record(TimeSpan.FromSeconds(1));
        var before = _histogram.Snapshot();
        _histogram.Record(TimeSpan.FromMilliseconds(2));
        var since = _histogram.Snapshot().Since(before);
        Assert.Equal(1, since.Count);
        Assert.InRange(since.Percentile(50), 2, 2.04);
        Assert.InRange(since.MaxMs, 2, 2.04);
    }

    [Fact]
    public void Nothing_recorded_is_zero_not_an_error() =>
        Assert.Equal(
            (0, 0.0, 0.0),
            (_histogram.Snapshot().Count, _histogram.Snapshot().Percentile(99), _histogram.Snapshot().MaxMs)
        );
}
