using StreamApi.Seeds.Resilient;

namespace Unit.Seeds;

public sealed class SourceMomentsTests
{
    /// <summary>Each moment is a transaction, which costs as much as the messages of several sources.</summary>
    [Theory]
    [InlineData(10), InlineData(1_000), InlineData(1_001)]
    public void Sources_of_any_number_are_read_at_ten_moments_of_an_interval(int milliseconds)
    {
        var options = new ResilientOptions { IntervalMilliseconds = milliseconds };
        var interval = TimeSpan.FromMilliseconds(milliseconds);
        var due = Enumerable.Range(0, 500).Select(i => DateTimeOffset.UnixEpoch.AddSeconds(7) + i * interval / 500);
        var read = due.Select(at => (Due: at, Moment: options.Moment(at))).ToList();
        Assert.All(read, r => Assert.InRange(r.Moment - r.Due, TimeSpan.Zero, 0.1 * interval));
        Assert.InRange(read.Select(r => r.Moment).Distinct().Count(), 2, 11);
    }

    [Fact]
    public void A_source_keeps_its_moment_and_so_its_rate()
    {
        var (options, interval) = (
            new ResilientOptions { IntervalMilliseconds = 1_001 },
            TimeSpan.FromMilliseconds(1_001)
        );
        var first = options.Moment(DateTimeOffset.UnixEpoch.AddSeconds(7.123));
        var next = first;
        for (var i = 0; i < 100; i++)
            next = options.Moment(next + interval);
        Assert.Equal(100 * interval, next - first);
    }
}
