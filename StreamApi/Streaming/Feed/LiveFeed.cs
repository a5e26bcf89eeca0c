using System.Diagnostics;
using System.Threading.Channels;
using EventStore;
using Microsoft.Extensions.Options;
using StreamApi.Streaming.Fanout;

namespace StreamApi.Streaming.Feed;

/// <summary>
/// Brings the log into the filter logs, each event once and in order: from Redis while the Broadcaster beats, with every gap read from
/// the store; from Postgres alone while it does not. What this replica itself commits it need not wait for: where nothing lies between, its
/// readers get it at once, and the feed skips it when it comes by.
/// </summary>
internal sealed class LiveFeed(
    FilterLogs logs, RedisIntake redis, EventReader reader, EventTail tail, EventAppender appender, IOptions<StreamingOptions> options, TimeProvider clock, ILogger<LiveFeed> logger) : BackgroundService
{
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<CommittedEvents> _own = Channel.CreateBounded<CommittedEvents>(new BoundedChannelOptions(16) { SingleReader = true });
    private long _fence, _checkedAt;

    public FeedMode Mode { get; private set; }

    /// <summary>Positions between the last head heard of and what the logs hold.</summary>
    public long Lag => Math.Max(0, Volatile.Read(ref _headSeen) - logs.Settled);
    private long _headSeen;

    /// <summary>Completes when the head is known and streams can start.</summary>
    public Task Started => _started.Task;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await StartAtHeadAsync(stoppingToken);
        appender.Committed += own => _own.Writer.TryWrite(own);
        var taking = TakeOwnAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            if (await NextMessageAsync(stoppingToken) is { } message)
            {
                Enter(FeedMode.Live);
                await ApplyAsync(message, stoppingToken);
                if (clock.GetElapsedTime(_checkedAt) >= TimeSpan.FromSeconds(options.Value.StoreCheckSeconds)) await CatchUpAsync(stoppingToken);
            }
            else
            {
                Enter(FeedMode.Degraded);
                await TailStoreAsync(stoppingToken);
            }
        }
        await taking;
    }

    private async Task StartAtHeadAsync(CancellationToken stoppingToken)
    {
        var head = await ReadAsync(long.MaxValue / 2, stoppingToken);
        // From a little before the head: who reconnects after a restart of this replica is served from memory.
        logs.Reset(head.Epoch, Math.Max(head.DroppedThrough, head.Head - options.Value.RecentEvents));
        await CatchUpAsync(stoppingToken);
        _started.TrySetResult();
    }

    /// <summary>Beside the commits, which must not wait for the fan-out to many filters. What comes too fast for it is left to the feed.</summary>
    private async Task TakeOwnAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var (epoch, events) in _own.Reader.ReadAllAsync(stoppingToken))
            {
                if (events[0].Position != logs.Settled + 1) continue;
                using var span = StoreTracing.StartBatch("sse fan-out", ActivityKind.Consumer, events.Select(e => e.TraceParent));
                span?.SetTag("messaging.batch.message_count", events.Count);
                logs.TryPublishNext(epoch, events);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
        catch (Exception e) { logger.LogError(e, "This replica's own events come by the feed from now on"); }
    }

    private async Task<RelayMessage?> NextMessageAsync(CancellationToken stoppingToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        limit.CancelAfter(TimeSpan.FromSeconds(options.Value.BeatSeconds));
        try { return redis.Messages.TryRead(out var waiting) ? waiting : await redis.Messages.ReadAsync(limit.Token); }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested) { return null; }
    }

    private async Task ApplyAsync(RelayMessage message, CancellationToken stoppingToken)
    {
        if (message.Epoch != logs.Epoch)
        {
            var head = await ReadAsync(long.MaxValue / 2, stoppingToken);
            StartOver(head);
            if (message.Epoch != head.Epoch) return;
        }
        if (message.Fence < _fence) return;     // a deposed leader that has just woken up
        _fence = message.Fence;
        if (message.Last > _headSeen) Volatile.Write(ref _headSeen, message.Last);
        if (message.Last <= logs.Settled) return;       // a beat, or this replica's own
        if (message.Previous > logs.Settled || message.Events.Count == 0 || logs.AnyWantsMore(message.Events))
        {
            // Something was lost, or this replica starts within a batch, or it has readers for what was too large to be carried.
            await CatchUpAsync(stoppingToken);
            return;
        }
        using var span = StoreTracing.StartBatch("sse fan-out", ActivityKind.Consumer, message.Events.Select(e => e.TraceParent), message.TraceParent);
        span?.SetTag("messaging.batch.message_count", message.Events.Count);
        logs.Publish(message.Events, message.Last);
    }

    /// <summary>Reads from the store all that the logs lack.</summary>
    private async Task CatchUpAsync(CancellationToken stoppingToken)
    {
        _checkedAt = clock.GetTimestamp();
        EventPage page;
        do
        {
            page = await ReadAsync(logs.Settled, stoppingToken);
            if (!Apply(page)) return;
        }
        while (page.Through < page.Head);
    }

    private async Task TailStoreAsync(CancellationToken stoppingToken)
    {
        using var back = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var beat = redis.Messages.WaitToReadAsync(back.Token).AsTask();
        _ = beat.ContinueWith(_ => back.Cancel(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            await foreach (var page in tail.FollowAsync(logs.Settled, cancellationToken: back.Token)) Apply(page);
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested) { }
        await ((Task)beat).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>False where the page is of another history, which has been taken up instead.</summary>
    private bool Apply(EventPage page)
    {
        Volatile.Write(ref _headSeen, page.Head);
        if (page.Epoch != logs.Epoch) { StartOver(page); return false; }
        logs.Publish(page.Events, page.Through);
        return true;
    }

    private void StartOver(EventPage page)
    {
        if (page.Epoch == logs.Epoch) return;
        logger.LogWarning("The store's epoch changed from {Old} to {New}; streams go on from its head", logs.Epoch, page.Epoch);
        Volatile.Write(ref _headSeen, page.Head);
        _fence = 0;     // a restored or recreated store counts its leaders anew
        logs.Reset(page.Epoch, page.Head);
    }

    private async Task<EventPage> ReadAsync(long after, CancellationToken stoppingToken)
    {
        for (var delay = 100; ; delay = Math.Min(delay * 2, 2_000))
        {
            try { return await reader.ReadAsync(after, cancellationToken: stoppingToken); }
            catch (StoreUnavailableException e)
            {
                logger.LogWarning("The log cannot be read, trying again: {Reason}", e.InnerException?.Message ?? e.Message);
                await Task.Delay(delay, stoppingToken);
            }
        }
    }

    private void Enter(FeedMode mode)
    {
        if (Mode == mode) return;
        if (mode == FeedMode.Degraded) logger.LogWarning("No beat for {Seconds} s: reading the log from Postgres", options.Value.BeatSeconds);
        else if (Mode == FeedMode.Degraded) logger.LogInformation("The Broadcaster beats again: events come by Redis");
        Mode = mode;
    }
}
