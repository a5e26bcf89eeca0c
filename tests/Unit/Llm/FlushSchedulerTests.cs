using Harness;
using LlmGateway.Generations;

namespace Unit.Llm;

public sealed class FlushSchedulerTests
{
    private readonly ManualTime _time = new();
    private readonly FlushScheduler _scheduler;
    private int _runs = 1;

    public FlushSchedulerTests() => _scheduler = new FlushScheduler(milliseconds: 40, () => _runs, _time);

    [Fact]
    public void A_token_after_a_pause_is_flushed_at_once()
    {
        Assert.True(_scheduler.NextAsync().IsCompleted);
        Pass(40);
        Assert.True(_scheduler.NextAsync().IsCompleted);
    }

    [Fact]
    public async Task Waiting_runs_are_flushed_together_one_interval_after_the_last_flush()
    {
        _ = _scheduler.NextAsync();
        Pass(10);
        var first = _scheduler.NextAsync();

        Pass(29);
        var second = _scheduler.NextAsync();
        Assert.False(first.IsCompleted || second.IsCompleted);
        Pass(1);
        await Task.WhenAll(first, second).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.False(_scheduler.NextAsync().IsCompleted);
    }

    /// <summary>A delay of less than a millisecond is none.</summary>
    [Fact]
    public void A_flush_that_is_almost_due_is_one_at_once()
    {
        _ = _scheduler.NextAsync();
        _time.Advance(TimeSpan.FromMilliseconds(39.9));
        Assert.True(_scheduler.NextAsync().IsCompleted);
    }

    [Theory]
    [InlineData(40, 40)]
    [InlineData(100, 100)]
    [InlineData(1_000, 400)]
    public void The_interval_grows_with_the_runs_up_to_a_limit(int runs, int milliseconds)
    {
        _runs = runs;
        _ = _scheduler.NextAsync();
        _ = _scheduler.NextAsync();
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Assert.Single(_time.Delays));
    }

    [Fact]
    public void An_interval_of_zero_coalesces_nothing()
    {
        var none = new FlushScheduler(milliseconds: 0, () => 1_000, _time);
        for (var i = 0; i < 3; i++)
            Assert.True(none.NextAsync().IsCompleted);
    }

    private void Pass(int milliseconds) => _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
}
