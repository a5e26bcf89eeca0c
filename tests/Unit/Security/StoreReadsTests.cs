using EventStore;
using Microsoft.Extensions.Options;
using StreamApi.Security.Limits;
using Unit.Client;

namespace Unit.Security;

public sealed class StoreReadsTests
{
    private const int Percent = 1,
        Waiting = 2,
        Seconds = 15;

    private readonly ManualTime _time = new();

    [Fact]
    public async Task A_request_whose_read_gets_no_turn_in_time_learns_that_the_store_is_busy()
    {
        var reads = Reads(LimitOptions.Unlimited);
        var (first, second) = (await EnterAsync(reads, "ann"), await EnterAsync(reads, "ann"));
        var (mine, another) = (EnterAsync(reads, "ann"), EnterAsync(reads, "bob"));
        _time.Advance(TimeSpan.FromSeconds(Seconds - 1));
        Assert.False(mine.IsCompleted);
        first.Dispose();
        using var mineAfterAll = await mine;
        _time.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => another);
        // The turn that it did not take is the next one's.
        second.Dispose();
        using var next = await EnterAsync(reads, "bob");
    }

    [Fact]
    public async Task A_client_with_too_many_waiting_reads_is_refused_and_work_without_a_request_waits()
    {
        var reads = Reads(LimitOptions.Unlimited);
        using var first = await EnterAsync(reads, "ann");
        using var second = await EnterAsync(reads, "ann");
        for (var i = 0; i < Waiting; i++)
            Assert.False(EnterAsync(reads, "ann").IsCompleted);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => EnterAsync(reads, "ann"));
        var work = reads.EnterAsync("ann", default);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.False(work.IsCompleted);
    }

    [Fact]
    public async Task Reads_take_their_percent_of_the_processors_on_average()
    {
        var (reads, processors) = (Reads(Percent), Environment.ProcessorCount * Percent / 100.0);
        using (await EnterAsync(reads, "ann"))
            _time.Advance(TimeSpan.FromSeconds(1));
        var next = reads.EnterAsync("bob", default);
        Assert.False(next.IsCompleted);
        // A second of work, less the 25 ms that are allowed at once, and less the second that has passed.
        var pause = (1 - 0.025) / processors - 1;
        Assert.InRange((await _time.PassDelayAsync()).TotalSeconds, pause - 0.001, pause + 0.002);
        using var turn = await next;
    }

    private static Task<IDisposable> EnterAsync(StoreReads reads, string client) =>
        reads.EnterInTimeAsync(client, TestContext.Current.CancellationToken);

    private StoreReads Reads(int percent) =>
        new(
            Options.Create(
                new EventStoreOptions
                {
                    ReadConnections = 2,
                    MaxWaitingReads = Waiting,
                    CommandTimeoutSeconds = Seconds,
                }
            ),
            Options.Create(new LimitOptions { ReadPercent = percent }),
            _time
        );
}
