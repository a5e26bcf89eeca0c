using System.Diagnostics;
using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Fanout;

namespace Streaming.Feed;

/// <summary>
/// Publishes the log to the filter logs, each event once and in order: from Redis while heartbeats come, with lost
/// pages read from the store, otherwise from Postgres alone. Skips events that <see cref="LocalCommits"/> has
/// published.
/// </summary>
internal sealed class LiveFeed(
    FilterLogs logs,
    RedisIntake redis,
    FeedStore store,
    EpochChange epochs,
    IOptions<StreamingOptions> options,
    TimeProvider clock,
    ILogger<LiveFeed> logger
) : RestartingService(logger, clock)
{
    /// <summary>Longest time that other clients wait for a large event that only the store has.</summary>
    private static readonly TimeSpan OthersWait = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan OverInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Shortest time between store reads caused by messages of another epoch.</summary>
    private static readonly TimeSpan EpochInterval = TimeSpan.FromMilliseconds(250);

    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly FeedSource _source = new(TimeSpan.FromSeconds(options.Value.RelayHeartbeatSeconds), clock, logger);
    private readonly HeadCheck _headCheck = new(logger);
    private Task<EventPage?>? _comparison;
    private string _comparisonEpoch = "";
    private TaskCompletionSource _doubted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _fence,
        _comparedAt,
        _headSeen,
        _stalledAt;

    public FeedMode Mode => _source.Mode;

    /// <summary>Positions between the newest known head and the events published here.</summary>
    public long Lag => Math.Max(0, Volatile.Read(ref _headSeen) - logs.Settled);

    /// <summary>Time since the feed stopped for events that only the store has; zero if it has not.</summary>
    public TimeSpan StalledFor =>
        Volatile.Read(ref _stalledAt) is var since && since == 0 ? TimeSpan.Zero : Clock.GetElapsedTime(since);

    /// <inheritdoc cref="HeadCheck.IsBehind"/>
    public bool IsStoreBehind => _headCheck.IsBehind;

    /// <summary>Completes when the head is known, so that streams can start.</summary>
    public Task Started => _started.Task;

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        if (!Started.IsCompleted)
            await StartAtHeadAsync(stoppingToken);

        _source.Restart();
        while (true)
        {
            await ApplyComparisonAsync(stoppingToken);
            if (redis.TryRead(out var page))
            {
                _source.MessageReceived();
                await ApplyAsync(page, stoppingToken);
                // Without readers, the heartbeats are enough.
                if (logs.Count > 0)
                    CompareInBackground(TimeSpan.FromSeconds(options.Value.StoreCheckSeconds), stoppingToken);
            }
            else if (_source.TimeLeft is var left && left > TimeSpan.Zero)
                await WaitAsync(left, stoppingToken);
            else
            {
                _source.MessagesMissing();
                await FollowStoreAsync(stoppingToken);
            }
        }
    }

    private async Task StartAtHeadAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            var head = await store.ReadAsync(long.MaxValue / 2, stoppingToken);
            // Starts before the head, so that a client that reconnects after a restart is served from memory.
            var start = Math.Max(head.DroppedThrough, head.Head - options.Value.RecentEvents);
            if (await epochs.StartAsync(head.Epoch, start, stoppingToken))
                break;

            await Task.Delay(EpochInterval, Clock, stoppingToken);
        }

        logs.Epochs.Doubted += Doubt;
        redis.Subscribed += Doubt;
        await CatchUpAsync(stoppingToken);
        _started.TrySetResult();

        void Doubt() => Volatile.Read(ref _doubted).TrySetResult();
    }

    /// <summary>Publishes what a comparison has found, and begins one if something is in doubt: an unknown epoch, or
    /// pages from before the subscription.</summary>
    private async Task ApplyComparisonAsync(CancellationToken stoppingToken)
    {
        if (_comparison is { IsCompleted: true } comparison)
        {
            _comparison = null;
            // A comparison that began in a former epoch does not apply to this one.
            if (await comparison is { } page && _comparisonEpoch == logs.Epoch)
                await ApplyAllAsync(page, stoppingToken);
        }

        if (_doubted.Task.IsCompleted)
        {
            Volatile.Write(ref _doubted, new(TaskCreationOptions.RunContinuationsAsynchronously));
            CompareInBackground(TimeSpan.Zero, stoppingToken);
        }
    }

    /// <summary>Waits for a message, the end of a comparison, a doubt, or the timeout.</summary>
    private async Task WaitAsync(TimeSpan time, CancellationToken stoppingToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var message = redis.WaitToReadAsync(over.Token);
        await Task.WhenAny(message, _comparison ?? message, _doubted.Task, Task.Delay(time, Clock, over.Token));
        await over.CancelAsync();
        await message.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stoppingToken.ThrowIfCancellationRequested();
    }

    private async Task ApplyAsync(RelayPage page, CancellationToken stoppingToken)
    {
        if (page.Epoch != logs.Epoch)
        {
            // The epoch may be newer or older than ours; only the store can tell. A leader that has not noticed the
            // change sends a former one.
            if (!logs.Epochs.Lineage.Knows(page.Epoch))
                Stalled();
            CompareInBackground(EpochInterval, stoppingToken);
            return;
        }

        if (page.Fence < _fence)
            return; // a deposed leader that still sends

        _fence = page.Fence;
        if (page.Last > _headSeen)
            Volatile.Write(ref _headSeen, page.Last);
        if (page.Last <= logs.Settled)
            return; // a heartbeat, or events committed here

        // A page was lost, or this replica started within a batch.
        if (page.Previous > logs.Settled)
        {
            redis.CountGap();
            await CatchUpAsync(stoppingToken);
            return;
        }

        if (!logs.TryLeaveOut(page.FirstTokens, page.Last))
            await PublishAsync(page, stoppingToken);
    }

    private async Task PublishAsync(RelayPage page, CancellationToken stoppingToken)
    {
        IReadOnlyList<EventRecord> events;
        try
        {
            events = page.ReadEvents();
        }
        // Whatever a signed page contains: which exception it is depends on it.
        catch (Exception e)
        {
            redis.Refuse(e.Message);
            await CatchUpAsync(stoppingToken);
            return;
        }

        // If the store does not answer now, only the readers of the large event wait for it.
        if (logs.AnyWantsMore(events) && await TryReadLargeAsync(stoppingToken))
            return;
        // The read may have entered another epoch before it was given up. Otherwise the feed has only advanced.
        if (page.Epoch != logs.Epoch)
            return;

        using var span = StoreTracing.StartBatch(
            "sse fan-out",
            ActivityKind.Consumer,
            events.Select(e => e.TraceParent),
            page.TraceParent
        );
        span?.SetTag("messaging.batch.message_count", events.Count);
        logs.Publish(events, page.Last);
    }

    /// <summary>Reads everything missing from the store, since no later event may be delivered first.</summary>
    private async Task CatchUpAsync(CancellationToken stoppingToken)
    {
        Stalled();
        _comparedAt = Clock.GetTimestamp();
        EventPage page;
        do page = await store.ReadAsync(logs.Settled, stoppingToken);
        while (!await ApplyAsync(page, stoppingToken) || page.Through < page.Head);
    }

    /// <summary>Reads everything missing from the store, for as long as the other readers wait for it.</summary>
    /// <returns>False if it was given up. A part may have been published.</returns>
    private async Task<bool> TryReadLargeAsync(CancellationToken stoppingToken)
    {
        if (store.AwayFor is not null)
            return false;

        var began = Clock.GetTimestamp();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var reading = CatchUpAsync(over.Token);
        while (!reading.IsCompleted && Clock.GetElapsedTime(began) < OthersWait)
            await Task.WhenAny(reading, Task.Delay(OverInterval, Clock, over.Token));

        await over.CancelAsync();
        try
        {
            await reading;
            return true;
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
        {
            Volatile.Write(ref _stalledAt, 0);
            return false;
        }
    }

    /// <summary>Compares with the store in the background, if the last time is longer ago than the interval: it finds
    /// what Redis or the Broadcaster has lost.</summary>
    private void CompareInBackground(TimeSpan interval, CancellationToken stoppingToken)
    {
        if (_comparison is not null || Clock.GetElapsedTime(_comparedAt) < interval)
            return;

        _comparedAt = Clock.GetTimestamp();
        _comparisonEpoch = logs.Epoch;
        _comparison = store.TryReadAsync(logs.Settled, stoppingToken);
    }

    /// <summary>Publishes from the store until a message comes.</summary>
    private async Task FollowStoreAsync(CancellationToken stoppingToken)
    {
        using var live = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var message = redis.WaitToReadAsync(live.Token);
        _ = message.ContinueWith(
            _ => live.Cancel(),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default
        );

        try
        {
            while (true)
                await foreach (var page in store.FollowAsync(logs.Settled, live.Token))
                    if (!await ApplyAsync(page, live.Token))
                        break; // follows the log from another position
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested) { }
        finally
        {
            await live.CancelAsync();
            await message.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Publishes a page, and after a new epoch everything that the page lacks.</summary>
    private async Task ApplyAllAsync(EventPage page, CancellationToken stoppingToken)
    {
        if (!await ApplyAsync(page, stoppingToken) && !IsOfFormerPrimary(page))
            await CatchUpAsync(stoppingToken);
    }

    /// <summary>Returns true if the store that answered has missed an epoch: another server has taken over, and a
    /// connection from before still leads to the former one.</summary>
    private bool IsOfFormerPrimary(EventPage page) => page.Epoch != logs.Epoch && logs.Epochs.Lineage.Knows(page.Epoch);

    /// <summary>Publishes a page; false if it does not follow what was published: its epoch has other events, so the
    /// feed has gone back to the last shared one or to the new head, or the primary is changing.</summary>
    private async Task<bool> ApplyAsync(EventPage page, CancellationToken stoppingToken)
    {
        var isNewEpoch = page.Epoch != logs.Epoch;
        var entered =
            IsOfFormerPrimary(page) ? null
            : isNewEpoch ? await epochs.EnterAsync(page, stoppingToken)
            : true;

        if (entered is not { } follows)
        {
            Stalled();
            Logger.LogWarning("A former primary answers: the page of epoch {Epoch} is ignored", page.Epoch);
            await Task.Delay(EpochInterval, Clock, stoppingToken);
            return false;
        }

        if (isNewEpoch)
            _fence = 0; // fences restart in a recreated store
        _headCheck.Note(page, isNewEpoch, logs.Settled);
        Volatile.Write(ref _stalledAt, 0);
        Volatile.Write(ref _headSeen, page.Head);

        // Events that retention has dropped cannot arrive. Streams before them read the store and get a resync.
        if (page.DroppedThrough > logs.Settled)
            logs.Reset(logs.Epochs.Lineage, page.DroppedThrough);
        if (follows)
            logs.Publish(page.Events, page.Through);
        return follows;
    }

    private void Stalled() => Interlocked.CompareExchange(ref _stalledAt, Clock.GetTimestamp(), 0);
}
