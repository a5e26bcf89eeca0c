using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;
using Streaming.Fanout;

namespace Streaming.Feed;

/// <summary>
/// Subscribes to the slots that the filter logs need, and to the page indexes while there is a filter log. A filter log
/// outlives its connections (<see cref="StreamingOptions.IdleLogLifetime"/>), and so does the subscription.
/// Thread-safe.
/// </summary>
internal sealed class SlotSubscriptions(
    FilterLogs logs,
    TopicSlots slots,
    Lazy<IConnectionMultiplexer> redis,
    IOptions<EventStoreOptions> store,
    TimeProvider clock,
    ILogger<SlotSubscriptions> logger
)
{
    /// <summary>Time within which Redis confirms a subscription. After it, the slot's events are read from the
    /// store for all its filters together instead of for each.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private volatile TaskCompletionSource _changed = New();
    private ChannelSubscription[] _slots = [];
    private ChannelSubscription? _pages;
    private bool _isFailing;

    /// <summary>Subscribes and unsubscribes as the filter logs need it, until cancelled.</summary>
    /// <param name="take">Receives each message, and true if it came with the page indexes.</param>
    /// <param name="pagesBegin">Called when the subscription to the page indexes begins.</param>
    /// <param name="stoppingToken">Ends the work.</param>
    public async Task RunAsync(Action<byte[], bool> take, Action pagesBegin, CancellationToken stoppingToken)
    {
        // Made once: after a failure of the caller, their subscriptions still exist.
        var channel = store.Value.Channel;
        if (_pages is null)
            _slots =
            [
                .. Enumerable
                    .Range(0, slots.Count)
                    .Select(slot => Subscription(RelayChannels.Slot(channel, slot), isPages: false, () => { })),
            ];
        _pages ??= Subscription(RelayChannels.Pages(channel), isPages: true, pagesBegin);
        logs.NeededChanged += Wake;
        try
        {
            while (true)
            {
                // Made before the needs are read, so that a later change is not missed.
                var changed = _changed = New();
                var needed = logs.Needed;
                for (var slot = 0; slot < _slots.Length; slot++)
                    _slots[slot].Want(needed.Contains(slot), stoppingToken);
                _pages.Want(needed.Count > 0, stoppingToken);
                await Task.WhenAny(changed.Task, Task.Delay(Patience, clock, stoppingToken));
                stoppingToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            logs.NeededChanged -= Wake;
        }

        ChannelSubscription Subscription(string name, bool isPages, Action begins) =>
            new(redis, name, bytes => take(bytes, isPages), (begun, e) => Changed(begun ? begins : null, e), clock);
    }

    /// <summary>Returns true if page indexes come, or should by now: heartbeats outside their order are then of no
    /// use.</summary>
    public bool UsesPages(TimeSpan patience) => _pages?.IsDue(patience) ?? false;

    /// <summary>Subscribes to the page indexes again.</summary>
    public void RenewPages()
    {
        _pages?.Renew();
        Wake();
    }

    /// <summary>Notes that an index or a heartbeat came, and returns the slots whose bodies must have come with
    /// it.</summary>
    public SlotSet IndexCame()
    {
        var due = new SlotSet(slots.Count);
        _pages?.IndexCame();
        for (var slot = 0; slot < _slots.Length; slot++)
        {
            if (_slots[slot].IsDue(Patience))
                due.Add(slot);
            _slots[slot].IndexCame();
        }
        return due;
    }

    /// <summary>Returns true if a due body cannot come, because the slot could not be subscribed.</summary>
    public bool IsAway(int slot) => !_slots[slot].IsJoined;

    public void Came(int slot) => _slots[slot].Came();

    public void Lost(int slot)
    {
        if (_slots[slot].Lost())
            Wake();
    }

    private void Changed(Action? begins, Exception? failure)
    {
        begins?.Invoke();
        if (failure is not null && !_isFailing)
            logger.LogWarning("The subscription to Redis failed; retrying: {Reason}", failure.Message);
        _isFailing = failure is not null;
        // A failed change is tried again after the pause; one that is no longer what is needed, at once.
        if (failure is null)
            Wake();
    }

    private void Wake() => _changed.TrySetResult();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
