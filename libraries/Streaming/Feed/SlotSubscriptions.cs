using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Fanout;

namespace Streaming.Feed;

/// <summary>
/// Subscribes to the slots that the filter logs need, each on its Redis server, and to the page indexes on every server
/// while there is a filter log and they are of use (<see cref="IndexUse"/>). Thread-safe.
/// </summary>
/// <remarks>A filter log outlives its connections (<see cref="StreamingOptions.IdleLogLifetime"/>), and so does the
/// subscription.</remarks>
internal sealed class SlotSubscriptions(
    FilterLogs logs,
    TopicSlots slots,
    RedisServers servers,
    StoreContact contact,
    IOptions<EventStoreOptions> store,
    IOptions<StreamingOptions> streaming,
    TimeProvider clock,
    ILogger<SlotSubscriptions> logger
)
{
    /// <summary>Time within which Redis confirms a subscription. Until then each filter reads the slot's events
    /// from the store; after it, one read serves all filters.</summary>
    private static readonly TimeSpan ConfirmTimeout = TimeSpan.FromSeconds(1);

    private readonly IndexUse _indexes = new(streaming.Value.LeaveIndexesAfter, clock);
    private readonly Lock _gate = new();
    private volatile TaskCompletionSource _changed = New();
    private ChannelSubscription[] _slots = [],
        _pages = [];

    private SlotSet _needed = new(slots.Count),
        _subscribed = new(slots.Count);

    // Kept as sets so that an index does not cost a look at every slot. Replaced, never changed: a page that waits for
    // bodies holds one.
    private SlotSet _receiving = new(slots.Count),
        _starting = new(slots.Count);
    private bool _isFailing;

    /// <summary>Subscribes and unsubscribes as the filter logs need it, until cancelled.</summary>
    /// <param name="take">Receives each message, its server, and true if it came with the page indexes.</param>
    /// <param name="pagesBegin">Called when the subscription to the page indexes begins.</param>
    /// <param name="stoppingToken">Ends the work.</param>
    public async Task RunAsync(
        Action<RedisServer, byte[], bool> take,
        Action pagesBegin,
        CancellationToken stoppingToken
    )
    {
        // Made once: after a failure of the caller, their subscriptions still exist.
        var channel = store.Value.Channel;
        if (_pages.Length == 0)
        {
            var names = Enumerable.Range(0, slots.Count).Select(slot => RelayChannels.Slot(channel, slot));
            _slots = [.. names.Select(name => Subscription(servers.For(name), name, isPages: false, () => { }))];
            var pages = RelayChannels.Pages(channel);
            _pages = [.. servers.All.Select(server => Subscription(server, pages, isPages: true, pagesBegin))];
        }
        logs.NeededChanged += Wake;
        try
        {
            while (true)
            {
                // Made before the needs are read, so that a later change is not missed.
                var changed = _changed = New();
                var needed = logs.Needed;
                // Without the store, a replica could not get the first event after the indexes that it missed.
                if (!_needed.Contains(needed) || contact.AwayFor is not null)
                    _indexes.Needed();
                _needed = needed;
                Want(needed, stoppingToken);
                var usesPages = needed.Count > 0 && !_indexes.IsLeft();
                foreach (var pages in _pages)
                    pages.Want(usesPages, stoppingToken);
                await Task.WhenAny(changed.Task, Task.Delay(ConfirmTimeout, clock, stoppingToken));
                stoppingToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            logs.NeededChanged -= Wake;
        }

        ChannelSubscription Subscription(RedisServer server, string name, bool isPages, Action begins) =>
            new(
                server,
                name,
                bytes => take(server, bytes, isPages),
                (begun, e) => Changed(server, begun ? begins : null, e),
                clock
            );
    }

    /// <summary>Returns true if page indexes are received or due. Heartbeats of the other channel are then
    /// ignored.</summary>
    public bool UsesPages(TimeSpan timeout) => _pages.Any(pages => pages.IsDue(timeout));

    /// <summary>Subscribes to a server's page indexes again.</summary>
    public void RenewPages(RedisServer server)
    {
        _pages.Single(pages => pages.Server == server).Renew();
        Wake();
    }

    /// <summary>Records an index or a heartbeat, and returns the slots whose bodies are due with it.</summary>
    public SlotSet IndexReceived()
    {
        _indexes.IndexReceived();
        foreach (var pages in _pages)
            pages.IndexReceived();
        lock (_gate)
        {
            if (_starting.Count == 0)
                return _receiving;
            var (due, receiving, starting) = (_receiving.Copy(), _receiving.Copy(), new SlotSet(slots.Count));
            foreach (var slot in _starting)
            {
                if (_slots[slot].IsDue(ConfirmTimeout))
                    due.Add(slot);
                _slots[slot].IndexReceived();
                (_slots[slot].IsReceiving ? receiving : starting).Add(slot);
            }
            (_receiving, _starting) = (receiving, starting);
            return due;
        }
    }

    /// <summary>Returns true if a due body cannot be received, because the slot could not be subscribed or its server
    /// is unavailable.</summary>
    public bool IsUnavailable(int slot) => !_slots[slot].IsReceiving || _slots[slot].Server.IsUnavailable;

    /// <summary>Records a body. A replica without the page indexes then subscribes to them again, and the feed reads
    /// the store.
    /// </summary>
    public void BodyReceived(int slot)
    {
        _slots[slot].MessageReceived();
        if (_indexes.Needed())
            Wake();
    }

    public void Lost(int slot)
    {
        if (_slots[slot].Lost())
            Wake();
    }

    /// <summary>Subscribes to these slots, and unsubscribes from all others.</summary>
    private void Want(SlotSet needed, CancellationToken stoppingToken)
    {
        _subscribed.Add(needed);
        foreach (var slot in _subscribed)
            _slots[slot].Want(needed.Contains(slot), stoppingToken);
        var (receiving, starting, subscribed) = (new SlotSet(slots.Count), new SlotSet(slots.Count), needed.Copy());
        lock (_gate)
        {
            foreach (var slot in _subscribed)
                if (needed.Contains(slot))
                    (_slots[slot].IsReceiving ? receiving : starting).Add(slot);
                else if (!_slots[slot].IsEnded)
                    subscribed.Add(slot);
            (_receiving, _starting, _subscribed) = (receiving, starting, subscribed);
        }
    }

    private void Changed(RedisServer server, Action? begins, Exception? failure)
    {
        begins?.Invoke();
        if (failure is not null && !_isFailing)
            logger.LogWarning(
                "The subscription to Redis {Server} failed; retrying: {Reason}",
                server.Name,
                failure.Message
            );
        _isFailing = failure is not null;
        // A failed change is repeated after the pause, or at once if the needs have changed since.
        if (failure is null)
            Wake();
    }

    private void Wake() => _changed.TrySetResult();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
