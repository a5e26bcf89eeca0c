using LlmGateway;
using LlmGateway.Generations;
using Unit.Tests.Client;

namespace Unit.Llm;

public sealed class FlushSchedulerTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly FlushScheduler _beat;
    private int _runs = 1;

    public FlushSchedulerTests() =>
        _beat = new FlushScheduler(
            new LlmOptions
            {
                CoalesceMilliseconds = 40,
                CoalesceWidensFrom = 40,
                CoalesceMaxMilliseconds = 400,
            },
            () => _runs,
            _time
        );

    public void Dispose() => _beat.Dispose();

    [Fact]
    public void What_comes_after_a_silence_waits_for_nothing()
    {
        Assert.True(_beat.NextAsync().IsCompleted);
        Pass(40);
        Assert.True(_beat.NextAsync().IsCompleted);
    }

    [Fact]
    public async Task All_that_wait_go_together_no_sooner_than_a_beat_after_the_last()
    {
        _ = _beat.NextAsync();
        Pass(10);
        var first = _beat.NextAsync();
        Pass(29);
        var second = _beat.NextAsync();
        Assert.False(first.IsCompleted || second.IsCompleted);
        Pass(1);
        await Task.WhenAll(first, second).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.False(_beat.NextAsync().IsCompleted);
    }

    [Theory]
    [InlineData(40, 40)]
    [InlineData(100, 100)]
    [InlineData(1_000, 400)]
    public void The_beat_slows_with_the_runs_up_to_a_limit(int runs, int milliseconds)
    {
        _runs = runs;
        _ = _beat.NextAsync();
        _ = _beat.NextAsync();
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Assert.Single(_time.Delays));
    }

    [Fact]
    public void A_join_of_zero_joins_nothing()
    {
        using var none = new FlushScheduler(new LlmOptions { CoalesceMilliseconds = 0 }, () => 1_000, _time);
        for (var i = 0; i < 3; i++)
            Assert.True(none.NextAsync().IsCompleted);
    }

    private void Pass(int milliseconds) => _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
}
