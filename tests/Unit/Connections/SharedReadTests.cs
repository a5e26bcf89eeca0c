using Harness;

namespace Unit.Connections;

public sealed class SharedReadTests
{
    private readonly ManualTime _time = new();
    private readonly SharedRead<int> _read;

    /// <summary>The reads that have begun.</summary>
    private readonly List<TaskCompletionSource<int>> _begun = [];

    public SharedReadTests() => _read = new(_time);

    [Fact]
    public async Task One_read_runs_at_a_time_and_callers_that_wait_share_the_next()
    {
        var first = NextAsync();
        await BegunAsync(1);
        var waiting = Enumerable.Range(0, 10).Select(_ => NextAsync()).ToList();

        Assert.Single(_begun);

        _begun[0].SetResult(1);
        Assert.Equal(1, await first);
        await BegunAsync(2);
        _begun[1].SetResult(2);
        Assert.All(await Task.WhenAll(waiting), number => Assert.Equal(2, number));
    }

    [Fact]
    public async Task A_recent_read_is_the_one_that_runs_however_long_that_takes()
    {
        var first = NextAsync();
        await BegunAsync(1);
        _time.Advance(TimeSpan.FromMinutes(10));

        var later = RecentAsync();

        _begun[0].SetResult(1);
        Assert.Equal((1, 1), (await first, await later));
    }

    [Fact]
    public async Task A_recent_read_ended_less_than_a_second_ago()
    {
        var first = RecentAsync();
        await BegunAsync(1);
        _begun[0].SetResult(1);
        Assert.Equal(1, await first);
        _time.Advance(TimeSpan.FromMilliseconds(799));
        Assert.Equal(1, await RecentAsync());

        _time.Advance(TimeSpan.FromMilliseconds(1));
        var second = RecentAsync();
        await BegunAsync(2);
        _begun[1].SetResult(2);
        Assert.Equal(2, await second);
    }

    /// <summary>A store that does not answer is not asked by every caller.</summary>
    [Fact]
    public async Task A_failure_is_as_recent_as_a_result()
    {
        var first = RecentAsync();
        await BegunAsync(1);
        _begun[0].SetException(new InvalidOperationException());
        await Assert.ThrowsAsync<InvalidOperationException>(() => first);
        await Assert.ThrowsAsync<InvalidOperationException>(RecentAsync);
        Assert.Single(_begun);
    }

    [Fact]
    public async Task A_caller_that_leaves_does_not_end_the_read_of_the_others()
    {
        using var leave = new CancellationTokenSource();
        // While it runs, no other begins between the two callers.
        var first = NextAsync();
        await BegunAsync(1);
        var leaving = _read.NextAsync(ReadAsync, leave.Token);
        var staying = NextAsync();

        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);

        _begun[0].SetResult(1);
        Assert.Equal(1, await first);
        await BegunAsync(2);
        _begun[1].SetResult(2);
        Assert.Equal(2, await staying);
    }

    private Task<int> NextAsync() => _read.NextAsync(ReadAsync, TestContext.Current.CancellationToken);

    private Task<int> RecentAsync() => _read.RecentAsync(ReadAsync, TestContext.Current.CancellationToken);

    private Task<int> ReadAsync()
    {
        var end = new TaskCompletionSource<int>();
        lock (_begun)
            _begun.Add(end);
        return end.Task;
    }

    private Task BegunAsync(int count) =>
        Eventually.HoldsAsync(() =>
        {
            lock (_begun)
                return _begun.Count == count;
        });
}
