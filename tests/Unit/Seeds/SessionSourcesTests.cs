using StreamApi.Seeds.Resilient;

namespace Unit.Seeds;

public sealed class SessionSourcesTests
{
    /// <summary>Each moment is a transaction, which costs as much as the messages of several sources.</summary>
    [Theory]
    [InlineData(10), InlineData(1_000), InlineData(1_001)]
    public void Sources_of_any_number_are_due_at_ten_moments_of_an_interval(int milliseconds)
    {
        var interval = TimeSpan.FromMilliseconds(milliseconds);
        var starts = Enumerable.Range(0, 500).Select(i => DateTimeOffset.UnixEpoch.AddSeconds(7) + i * interval / 500);
        var due = starts.Select(start => (Start: start, Next: SessionSources.NextAt(start, interval))).ToList();
        Assert.All(due, d => Assert.InRange(d.Next - d.Start, interval, 1.1 * interval));
        Assert.InRange(due.Select(d => d.Next).Distinct().Count(), 2, 11);
    }

    [Fact]
    public void A_source_keeps_its_moment_and_so_its_rate()
    {
        var interval = TimeSpan.FromSeconds(1);
        var first = SessionSources.NextAt(DateTimeOffset.UnixEpoch.AddSeconds(7.123), interval);
        var next = first;
        for (var i = 0; i < 100; i++)
            next = SessionSources.NextAt(next, interval);
        Assert.Equal(100 * interval, next - first);
    }
}
