using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Fanout;

namespace Streaming.Feed;

/// <summary>Publishes the log from a live source, with lost pages from the store, or from the store alone.</summary>
/// <remarks>
/// 1. Start at the head of the log.
/// 2. Read what a look at the store's head has shown to be missing.
/// 3. Publish pages of the source; one that does not follow needs the store first.
/// 4. Without a message for too long, follow the store until one comes.
/// </remarks>
internal sealed class LiveFeed : RestartingService
{
    /// <summary>Longest time that a request waits for the start, no longer than a client waits for an answer.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(1.5);

    /// <summary>Longest time that other clients wait for a large event that only the store has.</summary>
    private static readonly TimeSpan OthersWait = TimeSpan.FromSeconds(2);

    /// <summary>Pause after a look at the store's head, and after the answer of a former primary.</summary>
    private static readonly TimeSpan LookPause = TimeSpan.FromMilliseconds(250);

    private readonly FilterRingRegistry _rings;
    private readonly ILiveSource _source;
    private readonly IFeedStore _store;
    private readonly SseOptions _options;
    private readonly FeedCore _core;
    private readonly TaskCompletionSource _started = New();
    private Task _message = Task.CompletedTask;
    private Task _tick = Task.CompletedTask;

    private TaskCompletionSource _doubted = New();
    private TaskCompletionSource<Look> _looked = NewLook();

    public LiveFeed(
        FilterRingRegistry rings,
        DirectPages direct,
        ILiveSource source,
        IFeedStore store,
        IOptions<SseOptions> options,
        TimeProvider clock,
        ILogger<LiveFeed> logger
    )
        : base(logger, clock)
    {
        _rings = rings;
        _source = source;
        _store = store;
        _options = options.Value;
        _core = new FeedCore(rings, direct, source.Silence, clock, logger);
        rings.Epochs.Doubted += LookSoon;
    }

    public FeedMode Mode => _core.Mode;
    public long Lag => _core.Lag;
    public TimeSpan StalledFor => _core.StalledFor;
    public bool IsStoreBehind => _core.IsStoreBehind;
    public Task Started => _started.Task;

    /// <exception cref="StoreUnavailableException">The log has not been read in time.</exception>
    public async Task UntilStartedAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Started.WaitAsync(StartLimit, Clock, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new StoreUnavailableException(
                ExecuteTask is null
                    ? "Streams and runs begin once the host has started: call this after StartAsync, when "
                        + "ApplicationStarted is told, or in a BackgroundService."
                    : "This replica has not read the log yet. Try again in some seconds.",
                e
            );
        }
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        // 1. Start at the head of the log.
        if (!Started.IsCompleted)
            await StartAtHeadAsync(stoppingToken);

        _core.RestartTime();

        if (_source.Silence is null)
            await FollowStoreAsync(stoppingToken);
        else
            await TogetherAsync(stoppingToken, PublishAsync, LookAsync);
    }

    private async Task StartAtHeadAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            var head = await _store.ReadAsync(long.MaxValue / 2, stoppingToken);
            if (await _store.LineageAsync(head.Epoch, stoppingToken) is { } lineage)
            {
                _core.Start(lineage, head, _options.RecentEvents);
                break;
            }

            await Task.Delay(LookPause, Clock, stoppingToken);
        }

        await CatchUpAsync(stoppingToken);
        _started.TrySetResult();
    }

    private async Task PublishAsync(CancellationToken stoppingToken)
    {
        while (true)
            // 2. Read what a look at the store's head has shown to be missing.
            if (TryTakeLook(out var look) && _core.Lacks(look.Head, look.Before))
                await CatchUpAsync(stoppingToken);
            // 3. Publish pages of the source.
            else if (_source.TryRead(out var page))
                await TakeMessageAsync(page, stoppingToken);
            else if (_core.TimeLeft is var left && left > TimeSpan.Zero)
                await WaitAsync(left, stoppingToken);
            // 4. Without a message for too long, follow the store until one comes.
            else
                await FollowStoreAsync(stoppingToken);
    }

    /// <summary>Looks at the store's head from time to time, and soon after a doubt.</summary>
    private async Task LookAsync(CancellationToken stoppingToken)
    {
        var interval = TimeSpan.FromSeconds(_options.StoreCheckSeconds);
        while (true)
        {
            await Task.WhenAny(Volatile.Read(ref _doubted).Task, Task.Delay(interval, Clock, stoppingToken));
            stoppingToken.ThrowIfCancellationRequested();

            Volatile.Write(ref _doubted, New());

            var before = _rings.Now.Settled;

            if (await _store.TryHeadAsync(stoppingToken) is { } head)
                Volatile.Read(ref _looked).TrySetResult(new Look(head, before));

            await Task.Delay(LookPause, Clock, stoppingToken);
        }
    }

    private void LookSoon() => Volatile.Read(ref _doubted).TrySetResult();

    private bool TryTakeLook(out Look look)
    {
        var looked = _looked.Task;
        look = looked.IsCompleted ? looked.Result : default;
        if (looked.IsCompleted)
            Volatile.Write(ref _looked, NewLook());
        return looked.IsCompleted;
    }

    private async Task WaitAsync(TimeSpan left, CancellationToken stoppingToken)
    {
        if (_tick.IsCompleted)
            _tick = Task.Delay(left, Clock, stoppingToken);
        await Task.WhenAny(NextMessage(stoppingToken), _looked.Task, _tick);
        stoppingToken.ThrowIfCancellationRequested();
    }

    /// <summary>Shares one wait until a message comes.</summary>
    private Task NextMessage(CancellationToken stoppingToken) =>
        _message = _message.IsCompleted ? _source.WaitToReadAsync(stoppingToken) : _message;

    private async Task TakeMessageAsync(RelayPage page, CancellationToken stoppingToken)
    {
        var step = _core.Take(page); // has published the page, unless there is something to do first
        switch (step.Act)
        {
            case FeedAct.Look:
                LookSoon();
                break;
            case FeedAct.ReadGap:
                _source.CountGap();
                await CatchUpAsync(stoppingToken);
                break;
            case FeedAct.Refuse:
                _source.Refuse(step.Reason);
                await CatchUpAsync(stoppingToken);
                break;
            case FeedAct.ReadLarge:
                if (!await TryReadLargeAsync(stoppingToken))
                    _core.Publish(page, step.Events!);
                break;
        }
    }

    /// <summary>Reads everything missing from the store, since no later event may be delivered first.</summary>
    private async Task CatchUpAsync(CancellationToken stoppingToken)
    {
        _core.BeginStall();
        LogPage page;
        do page = await _store.ReadAsync(_rings.Settled, stoppingToken);
        while (!await TakeReadAsync(page, stoppingToken) || page.Through < page.Head);
    }

    /// <summary>Reads what is missing, for at most <see cref="OthersWait"/>; returns false if this time was too short,
    /// and then a part may have been published.</summary>
    private async Task<bool> TryReadLargeAsync(CancellationToken stoppingToken)
    {
        if (_store.AwayFor is not null)
            return false;

        using var limited = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var reading = CatchUpAsync(limited.Token);
        await Task.WhenAny(reading, Task.Delay(OthersWait, Clock, limited.Token));
        await limited.CancelAsync();

        try
        {
            await reading;
            return true;
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
        {
            // The feed goes on; only readers of the large event wait.
            _core.EndStall();
            return false;
        }
    }

    /// <summary>Publishes from the store until a message comes.</summary>
    private async Task FollowStoreAsync(CancellationToken stoppingToken)
    {
        _core.BeginFollowing();
        using var following = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var ending = NextMessage(stoppingToken)
            .ContinueWith(
                _ => following.Cancel(),
                following.Token,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default
            );

        try
        {
            while (true)
                await foreach (var page in _store.FollowAsync(_rings.Settled, following.Token))
                    if (!await TakeReadAsync(page, following.Token))
                        break; // follows the log from another position
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested) { }
        finally
        {
            await following.CancelAsync();
            await ending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>False if the feed must read on after <see cref="FilterRingRegistry.Settled"/>.</returns>
    private async Task<bool> TakeReadAsync(LogPage page, CancellationToken stoppingToken)
    {
        var lineage = _core.IsOfNewEpoch(page) ? await _store.LineageAsync(page.Epoch, stoppingToken) : null;
        var fit = _core.Take(page, lineage);
        if (fit == PageFit.OfFormerPrimary)
            await Task.Delay(LookPause, Clock, stoppingToken);
        return fit == PageFit.Follows;
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static TaskCompletionSource<Look> NewLook() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="Before">Position through which events had been published before the head was read.</param>
    private readonly record struct Look(LogPage Head, StreamPosition Before);
}
