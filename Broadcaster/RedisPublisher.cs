using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Broadcaster;

/// <summary>Publishes signed messages with a timeout, so that an
/// unreachable or frozen Redis never blocks the relay.</summary>
internal sealed class RedisPublisher(
    Lazy<IConnectionMultiplexer> redis,
    RelaySecret secret,
    RelayFormat format,
    TopicSlots slots,
    IOptions<RelayOptions> options,
    IOptions<EventStoreOptions> store,
    RelayMetrics metrics,
    TimeProvider clock,
    ILogger<RedisPublisher> logger
)
{
    private readonly List<EventRecord>?[] _bySlot = new List<EventRecord>?[slots.Count];
    private bool _failing;
    private long _sent;

    /// <summary>Publishes the bodies of a page, one for each slot that has events in it, and then its index.</summary>
    public Task PublishPageAsync(
        RelayPage page,
        IReadOnlyList<EventRecord> events,
        string? traceParent,
        CancellationToken cancellationToken
    )
    {
        var used = new SlotSet(slots.Count);
        foreach (var e in events)
        {
            var slot = slots.Of(e.Topic);
            used.Add(slot);
            (_bySlot[slot] ??= []).Add(e);
        }
        var messages = new List<(string Channel, RelayMessage Message)>();
        foreach (var slot in used)
        {
            messages.Add(
                (RelayChannels.Slot(store.Value.Channel, slot), new SlotBody(page, slot, _bySlot[slot]!, traceParent))
            );
            _bySlot[slot] = null;
        }
        messages.Add((RelayChannels.Pages(store.Value.Channel), new PageIndex(page, NextSent(), used)));
        return PublishAsync(messages, cancellationToken);
    }

    /// <summary>Publishes a heartbeat, on a channel of its own and in the order of the page indexes.</summary>
    public Task PublishHeartbeatAsync(RelayPage page, IReadOnlyList<long> heads, CancellationToken cancellationToken)
    {
        var beat = new Heartbeat(page, NextSent(), heads);
        return PublishAsync(
            [(store.Value.Channel, beat), (RelayChannels.Pages(store.Value.Channel), beat)],
            cancellationToken
        );
    }

    /// <summary>Taken from the clock, so that a leader that restarts with its old fence does not count from the
    /// beginning.</summary>
    private long NextSent() => _sent = Math.Max(_sent + 1, clock.GetUtcNow().UtcTicks);

    private async Task PublishAsync(
        List<(string Channel, RelayMessage Message)> messages,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var subscriber = redis.Value.GetSubscriber();
            // Not awaited one by one: the connection keeps their order.
            var sending = messages.ConvertAll(m =>
                subscriber.PublishAsync(
                    new RedisChannel(m.Channel, RedisChannel.PatternMode.Literal),
                    secret.Sign(format.ToBytes(m.Message))
                )
            );
            await Task.WhenAll(sending)
                .WaitAsync(TimeSpan.FromMilliseconds(options.Value.PublishTimeoutMilliseconds), cancellationToken);
            if (_failing)
                logger.LogInformation("Redis accepts messages again");
            _failing = false;
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            metrics.Failed();
            if (!_failing)
                logger.LogWarning(
                    "Redis does not accept messages, so stream servers read the store until it does: {Reason}",
                    e.Message
                );
            _failing = true;
        }
    }
}
