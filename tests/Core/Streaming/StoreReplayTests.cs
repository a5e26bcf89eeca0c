using System.Diagnostics.Metrics;
using EventStore;
using Harness;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Streaming.Admission;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Metrics;
using Streaming.Replay;

namespace Core.Streaming;

/// <summary>Pages of missed events: from memory, and from a Postgres that is away.</summary>
public sealed class StoreReplayTests : IDisposable
{
    private const int Tries = 3;
    private static readonly StreamFilter Filter = new(["t"], [], [], NamedFormat.Always);

    private readonly ManualTime _time = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly NpgsqlDataSource _store = NpgsqlDataSource.Create($"Host=127.0.0.1;Port={FreePort.Take()}");
    private readonly StreamingMetrics _metrics;
    private readonly FilterRingRegistry _rings;
    private readonly Gates _gates;
    private readonly StoreReplay _replay;

    public StoreReplayTests()
    {
        var options = Options.Create(new SseOptions { Writers = 1, ReplayTries = Tries });
        _rings = new FilterRingRegistry(options, _time);
        _rings.Reset(Lineage.Alone("e"), 10);
        _rings.Publish([Event(11, "a"), Event(12, "b"), Event(13, "a")], 13);

        var meters = _services.GetRequiredService<IMeterFactory>();
        _metrics = new StreamingMetrics(meters, options, _time, NullLogger<StreamingMetrics>.Instance);
        var store = Options.Create(new EventStoreOptions());

        _gates = new Gates(store, options, Options.Create(new AdmissionOptions()), _time);
        _replay = new StoreReplay(
            _rings,
            new StorePages(_rings, new EventReader(_store, store), _metrics),
            _gates,
            options,
            _time,
            new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance),
            NullLogger<StoreReplay>.Instance
        );
    }

    [Fact(Timeout = 60_000)]
    public async Task Missed_events_come_from_memory_and_count_as_held_until_they_are_written()
    {
        var page = (await Read(Range(after: 11)).Page)!;
        Assert.Equal([12, 13], page.Frames.Select(f => f.Position));
        Assert.Equal(("e", 13, null), (page.Epoch, page.Through, page.Skipped));
        Assert.Equal(page.Frames.Sum(f => f.Bytes.Length), _replay.Pages.Held);
        _replay.Pages.Release(page);
        await Eventually.HoldsAsync(() => _replay.Pages.Held == 0);
    }

    [Fact(Timeout = 60_000)]
    public async Task The_newest_of_each_key_come_with_the_range_that_was_left_out()
    {
        var page = (await Read(Range(after: 10, newest: true)).Page)!;
        Assert.Equal([12, 13], page.Frames.Select(f => f.Position));
        Assert.Equal((new SkippedRange(11, 11, 1), 13), (page.Skipped, page.SkippedThrough));
    }

    /// <summary>The client knows of the range already, and newer events of its keys follow.</summary>
    [Fact(Timeout = 60_000)]
    public async Task The_rest_of_an_announced_range_is_not_announced_again()
    {
        var page = (await Read(Range(after: 10, newest: true, through: 12)).Page)!;
        Assert.Equal([11, 12], page.Frames.Select(f => f.Position));
        Assert.Equal((12, null), (page.Through, page.Skipped));
    }

    [Fact(Timeout = 60_000)]
    public async Task Without_Postgres_a_read_is_tried_some_times_and_its_waiters_then_learn_that_it_failed()
    {
        var (first, second) = (Read(Range(after: 5)), Read(Range(after: 5)));

        for (var tried = 1; tried < Tries; tried++)
        {
            // Before the delay passes: the last try may fail at once.
            Assert.False(first.Page.IsCompleted);
            Assert.InRange(await _time.PassDelayAsync(), TimeSpan.Zero, TimeSpan.FromSeconds(4));
        }

        Assert.Equal((null, null), (await first.Page, await second.Page));
        Assert.Equal(0, _replay.Pages.Held);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_waiter_that_leaves_hears_nothing_and_the_others_of_its_read_are_served()
    {
        var (leaves, stays) = (Read(Range(after: 5)), Read(Range(after: 5)));
        _replay.Cancel(leaves.Waiter);
        for (var tried = 1; tried < Tries; tried++)
            await _time.PassDelayAsync();
        Assert.Null(await stays.Page);
        Assert.False(leaves.Page.IsCompleted);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_read_without_waiters_ends()
    {
        var only = Read(Range(after: 5));
        await _time.WaitForDelayAsync();
        _replay.Cancel(only.Waiter);
        await Eventually.HoldsAsync(() => _time.Delays.Count == 0);
        Assert.False(only.Page.IsCompleted);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_search_waits_for_other_searches_and_no_other_replay_does()
    {
        var seat = await _gates.Searches.EnterAsync("other", Timeout.InfiniteTimeSpan);
        var search = Read(Range(after: 5), isSearch: true);
        await Eventually.HoldsAsync(() => _gates.Searches.Waiting == 1);

        await FailAsync(Read(Range(after: 6), isSearch: false).Page);
        await FailAsync(Read(Range(after: 7), isSearch: null).Page);
        Assert.False(search.Page.IsCompleted);

        seat.Dispose();
        await FailAsync(search.Page);
    }

    public void Dispose()
    {
        _metrics.Dispose();
        _store.Dispose();
        _services.Dispose();
    }

    private (ReplayWaiter Waiter, Task<ReplayPage?> Page) Read(ReplayRange range, bool? isSearch = null)
    {
        var page = new TaskCompletionSource<ReplayPage?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiter = new ReplayWaiter(range, (_, found) => page.SetResult(found), IsSearch: isSearch);
        _replay.Read(waiter, "e");
        return (waiter, page.Task);
    }

    private async Task FailAsync(Task<ReplayPage?> page)
    {
        await Eventually.HoldsAsync(() =>
        {
            if (_time.Delays is [var delay, ..])
                _time.Advance(delay);
            return page.IsCompleted;
        });
        Assert.Null(await page);
    }

    private static ReplayRange Range(long after, bool newest = false, long? through = null) =>
        new(Filter, after, newest, IsSmall: false, through);

    private static EventRecord Event(long position, string key) => LoopStream.Event(position, key: key);
}
