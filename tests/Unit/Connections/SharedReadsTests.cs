using Harness;
using StreamApi.Connections;

namespace Unit.Connections;

public sealed class SharedReadsTests
{
    private static readonly TimeSpan Recent = TimeSpan.FromMilliseconds(800);

    [Fact]
    public async Task One_read_runs_at_a_time_and_callers_that_wait_share_the_next()
    {
        var reads = new SharedReads<int>(Recent, new ManualTime());
        var (begun, ended) = (new List<TaskCompletionSource>(), new SemaphoreSlim(0));
        async Task<(int, TimeSpan)> ReadAsync()
        {
            var end = new TaskCompletionSource();
            int number;
            lock (begun)
            {
                begun.Add(end);
                number = begun.Count;
            }
            ended.Release();
            await end.Task;
            return (number, TimeSpan.Zero);
        }

        var first = reads.NewAsync(ReadAsync, default);
        await ended.WaitAsync(TestContext.Current.CancellationToken);
        var waiting = Enumerable.Range(0, 10).Select(_ => reads.NewAsync(ReadAsync, default)).ToList();
        Assert.Single(begun);
        begun[0].SetResult();
        Assert.Equal(1, await first);
        await ended.WaitAsync(TestContext.Current.CancellationToken);
        begun[1].SetResult();
        Assert.All(await Task.WhenAll(waiting), number => Assert.Equal(2, number));
    }

    [Theory]
    [InlineData(0.1, 0.9)]
    [InlineData(1, 2)]
    public async Task A_new_read_waits_until_reads_take_a_tenth_of_the_time_but_two_seconds_at_most(
        double seconds,
        double pause
    )
    {
        var time = new ManualTime();
        var reads = new SharedReads<int>(Recent, time);
        var (work, count) = (TimeSpan.FromSeconds(seconds), 0);
        // The clock stands still meanwhile: moved within one of its own timers, it would go back.
        Task<(int, TimeSpan)> ReadAsync() => Task.FromResult((++count, work));

        Assert.Equal(1, await reads.NewAsync(ReadAsync, default));
        var next = reads.NewAsync(ReadAsync, default);
        Assert.Equal(TimeSpan.FromSeconds(pause), await time.PassDelayAsync());
        Assert.Equal(2, await next);
        time.Advance(TimeSpan.FromSeconds(pause));
        Assert.Equal(3, await reads.NewAsync(ReadAsync, default));
    }

    /// <summary>Else a stream of the connections starts with those of its last reader's time.</summary>
    [Fact]
    public async Task A_recent_read_is_the_newest_one_whoever_asked_for_it()
    {
        var time = new ManualTime();
        var reads = new SharedReads<int>(Recent, time);
        var count = 0;
        Task<(int, TimeSpan)> ReadAsync() => Task.FromResult((++count, TimeSpan.Zero));

        Assert.Equal(1, await reads.RecentAsync(ReadAsync, default));
        time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(2, await reads.NewAsync(ReadAsync, default));
        Assert.Equal(2, await reads.RecentAsync(ReadAsync, default));
    }

    [Theory]
    [InlineData(0.02), InlineData(0.5), InlineData(3)]
    public async Task Recent_reads_take_at_most_a_tenth_of_the_time_however_often_they_are_asked_for(double seconds)
    {
        var time = new ManualTime();
        var reads = new SharedReads<int>(Recent, time);
        var (work, count) = (TimeSpan.FromSeconds(seconds), 0);
        Task<(int, TimeSpan)> ReadAsync()
        {
            time.Advance(work);
            return Task.FromResult((++count, work));
        }

        while (time.GetUtcNow() < DateTimeOffset.UnixEpoch.AddSeconds(300))
        {
            await reads.RecentAsync(ReadAsync, default);
            time.Advance(TimeSpan.FromMilliseconds(10));
        }
        var most = Math.Min(300 / Recent.TotalSeconds, 30 / seconds);
        Assert.InRange(count, (int)(0.9 * most), most + 1);
    }
}
