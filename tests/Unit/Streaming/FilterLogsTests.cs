using EventStore;
using Microsoft.Extensions.Options;
using StreamApi.Streaming;
using StreamApi.Streaming.Fanout;
using StreamApi.Streaming.Frames;
using Unit.Tests.Client;

namespace Unit.Streaming;

public class FilterLogsTests
{
    [Fact]
    public void A_filter_that_nobody_has_read_for_its_time_is_forgotten_and_no_other()
    {
        var clock = new ManualTime();
        var options = new StreamingOptions { Writers = 1 };
        var logs = new FilterLogs(Options.Create(options), clock);
        var open = logs.Acquire(Topic("open"));
        for (var i = 0; i < 100; i++) logs.Release(logs.Acquire(Topic($"left.t{i}")));
        logs.Sweep();
        // A client that comes back after a moment is to find it.
        Assert.Equal(101, logs.Count);
        clock.Advance(options.IdleLogLifetime);
        logs.Sweep();
        Assert.Equal(1, logs.Count);
        Assert.Same(open, logs.Acquire(Topic("open")));
    }

    [Fact]
    public void What_was_committed_here_is_taken_only_where_nothing_lies_between_and_the_feed_then_skips_it()
    {
        var (logs, log) = Started();
        Assert.False(logs.TryPublishNext("e", [Event(12)]));     // 11 is another replica's, and not here yet
        Assert.True(logs.TryPublishNext("e", [Event(11), Event(12)]));
        Assert.False(logs.TryPublishNext("e", [Event(12)]));
        logs.Publish([Event(11), Event(12), Event(13)], 13);
        Assert.Equal([11, 12, 13], Positions(log));
        Assert.Equal(13, logs.Settled);
    }

    [Fact]
    public void Nothing_is_taken_before_it_is_known_where_the_log_stands()
    {
        var logs = new FilterLogs(Options.Create(new StreamingOptions { Writers = 1 }), TimeProvider.System);
        Assert.False(logs.TryPublishNext("e", [Event(1)]));
    }

    [Fact]
    public void What_was_committed_in_another_history_is_not_taken_for_the_next_of_this_one()
    {
        var (logs, log) = Started();
        Assert.False(logs.TryPublishNext("after a promotion", [Event(11)]));
        Assert.Empty(Positions(log));
    }

    [Fact]
    public async Task Each_event_is_there_once_and_in_order_whether_the_commit_or_the_feed_brings_it_first()
    {
        const int Last = 20_010;
        var (logs, log) = Started();
        var woken = 0;
        logs.Appended += grown => { foreach (var _ in grown) woken++; };
        var own = Task.Run(() => { while (logs.Settled < Last) logs.TryPublishNext("e", [Event(logs.Settled + 1)]); }, TestContext.Current.CancellationToken);
        for (long at = 11; at <= Last; at += 5) logs.Publish([.. Enumerable.Range(0, 5).Select(i => Event(at + i))], at + 4);
        await own;
        Assert.Equal(Enumerable.Range(11, 20_000).Select(n => (long)n), Positions(log));
        Assert.InRange(woken, 1, 20_000);
    }

    [Fact]
    public void An_event_that_came_without_its_data_is_a_gap_to_those_who_want_it_and_to_nobody_else()
    {
        var (logs, log) = Started();
        var large = Event(12) with { Data = default };
        logs.Publish([Event(11)], 11);
        var level = log.Next;
        Assert.True(logs.AnyWantsMore([large]));
        Assert.False(logs.AnyWantsMore([Event(12), large with { Topic = "other" }]));

        // Somebody came for it between the question and this.
        logs.Publish([large, Event(13)], 13);
        foreach (var one in (FilterLog[])[log, logs.Acquire(new StreamFilter(["t", "t.b"], [], [], PlainForm.Named))])
        {
            Assert.False(one.TrySeek(11, settled: 100, out _));
            Assert.True(one.TrySeek(12, settled: 100, out var next));
            Assert.Equal([13], one.ReadAll(next).Select(f => f.Position));
        }
        Assert.Equal(-1, log.Read(level, new LogFrame[4], 1_000));
        // It was given back, and nobody waits for it.
        logs.Release(log);
        Assert.False(logs.AnyWantsMore([large with { Position = 14, Topic = "t.a" }]));
    }

    private static (FilterLogs, FilterLog) Started()
    {
        var logs = new FilterLogs(Options.Create(new StreamingOptions { Writers = 1, RingEvents = 100_000 }), TimeProvider.System);
        logs.Reset("e", 10);
        return (logs, logs.Acquire(Topic("t")));
    }

    private static IEnumerable<long> Positions(FilterLog log) => log.ReadAll(0).Select(f => f.Position);

    private static EventRecord Event(long position) => new(position, Guid.Empty, "t", "n", null, "1"u8.ToArray(), DateTimeOffset.UnixEpoch, null);

    private static StreamFilter Topic(string topic) => new([topic], [], [], PlainForm.Named);
}
