using System.Diagnostics;
using System.Threading.Channels;
using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Fanout;

namespace Streaming.Feed;

/// <summary>
/// Brings the log into the filter logs, each event once and in order: from Redis while the Broadcaster beats, with
/// every gap read from
/// the store; from Postgres alone while it does not. What this replica itself commits it need not wait for: where
/// nothing lies between,
/// its readers get it at once, and the feed skips it when it comes by. Only a gap waits for Postgres; all other looks
/// at it run beside.
/// </summary>
internal sealed class LiveFeed(
    FilterLogs logs,
    RedisIntake redis,
    EventReader reader,
    EventTail tail,
    EventAppender appender,
    StoreContact contact,
    IOptions<StreamingOptions> options,
    TimeProvider clock,
    ILogger<LiveFeed> logger
) : RestartingService(logger)
{
    /// <summary>How long others may wait for a large event that is only in the store.</summary>
    private static readonly TimeSpan LargeEventLimit = TimeSpan.FromSeconds(2);

    /// <summary>The least time between looks at the store that messages of another epoch ask for.</summary>
    private static readonly TimeSpan EpochInterval = TimeSpan.FromMilliseconds(250);

    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<CommittedEvents> _own = Channel.CreateBounded<CommittedEvents>(
        new BoundedChannelOptions(16) { SingleReader = true }
    );
    private Task<EventPage?>? _look;
    private string _lookEpoch = "";
    private long _fence,
        _lookedAt,
        _heardAt,
        _headSeen,
        _stalledAt;

    public FeedMode Mode { get; private set; }

    /// <summary>Positions between the last head heard of and what the logs hold.</summary>
    public long Lag => Math.Max(0, Volatile.Read(ref _headSeen) - logs.Settled);

    /// <summary>The time for which it has lacked something that only the store has, and could not go on.</summary>
    public TimeSpan StalledFor =>
        Volatile.Read(ref _stalledAt) is var since && since == 0 ? TimeSpan.Zero : clock.GetElapsedTime(since);

    /// <summary>Completes when the head is known and streams can start.</summary>
    public Task Started => _started.Task;

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        if (!Started.IsCompleted)
            await StartAtHeadAsync(stoppingToken);
        await TogetherAsync(stoppingToken, FeedAsync, TakeOwnAsync);
    }

    private async Task FeedAsync(CancellationToken stoppingToken)
    {
        var silence = TimeSpan.FromSeconds(options.Value.RelayHeartbeatSeconds);
        var checkInterval = TimeSpan.FromSeconds(options.Value.StoreCheckSeconds);
        _heardAt = clock.GetTimestamp();
        while (true)
        {
            if (_look is { IsCompleted: true } look)
            {
                _look = null;
                // One that began in a former history knows nothing of this one.
                if (await look is { } page && _lookEpoch == logs.Epoch)
                    Apply(page);
            }
            if (redis.TryRead(out var message))
            {
                _heardAt = clock.GetTimestamp();
                Enter(FeedMode.Live);
                await ApplyAsync(message, stoppingToken);
                LookBeside(checkInterval, stoppingToken);
            }
            else if (clock.GetElapsedTime(_heardAt) is var quiet && quiet < silence)
                await WaitAsync(silence - quiet, stoppingToken);
            else
            {
                Enter(FeedMode.Degraded);
                await TailStoreAsync(stoppingToken);
                _heardAt = clock.GetTimestamp();
            }
        }
    }

    private async Task StartAtHeadAsync(CancellationToken stoppingToken)
    {
        var head = await ReadAsync(long.MaxValue / 2, stoppingToken);
        // From a little before the head: who reconnects after a restart of this replica is served from memory.
        logs.Reset(head.Epoch, Math.Max(head.DroppedThrough, head.Head - options.Value.RecentEvents));
        await CatchUpAsync(stoppingToken);
        appender.Committed += own => _own.Writer.TryWrite(own);
        _started.TrySetResult();
    }

    /// <summary>Beside the commits, which must not wait for the fan-out to many filters. What comes too fast for it is
    /// left to the feed.</summary>
    private async Task TakeOwnAsync(CancellationToken stoppingToken)
    {
        await foreach (var (epoch, events) in _own.Reader.ReadAllAsync(stoppingToken))
        {
            if (events[0].Position != logs.Settled + 1)
                continue;
            try
            {
                using var span = StoreTracing.StartBatch(
                    "sse fan-out",
                    ActivityKind.Consumer,
                    events.Select(e => e.TraceParent)
                );
                span?.SetTag("messaging.batch.message_count", events.Count);
                logs.TryPublishNext(epoch, events);
            }
            catch (Exception e)
            {
                Logger.LogError(e, "Events committed here come by the feed instead");
            }
        }
    }

    /// <summary>Until a message, the end of a look, or the time is there.</summary>
    private async Task WaitAsync(TimeSpan time, CancellationToken stoppingToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        limit.CancelAfter(time);
        var message = redis.WaitToReadAsync(limit.Token);
        await Task.WhenAny(message, _look ?? message);
        await limit.CancelAsync();
        await message.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stoppingToken.ThrowIfCancellationRequested();
    }

    private async Task ApplyAsync(RelayMessage message, CancellationToken stoppingToken)
    {
        if (message.Epoch != logs.Epoch)
        {
            // Of a new history or of a former one: only the store knows.
            Stalled();
            LookBeside(EpochInterval, stoppingToken);
            return;
        }
        if (message.Fence < _fence)
            return; // a deposed leader that has just woken up
        _fence = message.Fence;
        if (message.Last > _headSeen)
            Volatile.Write(ref _headSeen, message.Last);
        if (message.Last <= logs.Settled)
            return; // a beat, or this replica's own
        if (message.Previous > logs.Settled || message.Events.Count == 0)
        {
            // Something was lost, or this replica starts within a batch.
            await CatchUpAsync(stoppingToken);
            return;
        }
        // Where the store has no answer now, only the readers of what was too large to be carried wait for it.
        if (logs.AnyWantsMore(message.Events) && await TryReadLargeAsync(stoppingToken))
            return;
        using var span = StoreTracing.StartBatch(
            "sse fan-out",
            ActivityKind.Consumer,
            message.Events.Select(e => e.TraceParent),
            message.TraceParent
        );
        span?.SetTag("messaging.batch.message_count", message.Events.Count);
        logs.Publish(message.Events, message.Last);
    }

    /// <summary>Reads from the store all that the logs lack, however long that takes: nothing may be delivered before
    /// it.</summary>
    private async Task CatchUpAsync(CancellationToken stoppingToken)
    {
        Stalled();
        _lookedAt = clock.GetTimestamp();
        EventPage page;
        do
        {
            page = await ReadAsync(logs.Settled, stoppingToken);
            if (!Apply(page))
                return;
        } while (page.Through < page.Head);
    }

    private async Task<bool> TryReadLargeAsync(CancellationToken stoppingToken)
    {
        if (contact.AwayFor is not null)
            return false;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        limit.CancelAfter(LargeEventLimit);
        try
        {
            await CatchUpAsync(limit.Token);
            return true;
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
        {
            Volatile.Write(ref _stalledAt, 0);
            return false;
        }
    }

    /// <summary>Compares with the store, beside the delivery, where that was not done for so long: nobody is believed
    /// blindly.</summary>
    private void LookBeside(TimeSpan interval, CancellationToken stoppingToken)
    {
        if (_look is not null || clock.GetElapsedTime(_lookedAt) < interval)
            return;
        (_lookedAt, _lookEpoch) = (clock.GetTimestamp(), logs.Epoch);
        _look = LookAsync(logs.Settled, stoppingToken);
    }

    private async Task<EventPage?> LookAsync(long after, CancellationToken stoppingToken)
    {
        try
        {
            return await reader.ReadAsync(after, cancellationToken: stoppingToken);
        }
        catch (StoreUnavailableException e)
        {
            Logger.LogWarning(
                "The log cannot be compared with Postgres, events come by Redis alone: {Reason}",
                Reason(e)
            );
            return null;
        }
    }

    private async Task TailStoreAsync(CancellationToken stoppingToken)
    {
        using var back = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var beat = redis.WaitToReadAsync(back.Token);
        _ = beat.ContinueWith(
            _ => back.Cancel(),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default
        );
        try
        {
            await foreach (var page in tail.FollowAsync(logs.Settled, cancellationToken: back.Token))
                Apply(page);
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested) { }
        finally
        {
            await back.CancelAsync();
            await beat.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>False where the page is of another history, which has been taken up instead.</summary>
    private bool Apply(EventPage page)
    {
        Volatile.Write(ref _stalledAt, 0);
        Volatile.Write(ref _headSeen, page.Head);
        if (page.Epoch != logs.Epoch)
        {
            StartOver(page);
            return false;
        }
        logs.Publish(page.Events, page.Through);
        return true;
    }

    private void StartOver(EventPage page)
    {
        Logger.LogWarning(
            "The store's epoch changed from {Old} to {New}; streams go on from its head",
            logs.Epoch,
            page.Epoch
        );
        _fence = 0; // a restored or recreated store counts its leaders anew
        logs.Reset(page.Epoch, page.Head);
    }

    private async Task<EventPage> ReadAsync(long after, CancellationToken stoppingToken)
    {
        for (var delay = 100; ; delay = Math.Min(delay * 2, 2_000))
        {
            try
            {
                return await reader.ReadAsync(after, cancellationToken: stoppingToken);
            }
            catch (StoreUnavailableException e)
            {
                Logger.LogWarning("The log cannot be read, trying again: {Reason}", Reason(e));
                await Task.Delay(delay, stoppingToken);
            }
        }
    }

    private static string Reason(StoreUnavailableException e) => e.InnerException?.Message ?? e.Message;

    private void Stalled()
    {
        if (_stalledAt == 0)
            Volatile.Write(ref _stalledAt, clock.GetTimestamp());
    }

    private void Enter(FeedMode mode)
    {
        if (Mode == mode)
            return;
        if (mode == FeedMode.Degraded)
            Logger.LogWarning(
                "No beat for {Seconds} s: reading the log from Postgres",
                options.Value.RelayHeartbeatSeconds
            );
        else if (Mode == FeedMode.Degraded)
            Logger.LogInformation("The Broadcaster beats again: events come by Redis");
        Mode = mode;
    }
}
