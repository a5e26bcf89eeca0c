using EventStore;
using Microsoft.Extensions.Options;

namespace Broadcaster;

/// <summary>Publishes signed messages with a timeout, so that an unreachable or frozen Redis never blocks the relay.
/// With several servers, a slot's bodies are sent through the slot's server, and everything else through all.</summary>
internal sealed class RedisPublisher(
    RedisServers servers,
    RelaySecret secret,
    RelayFormat format,
    TopicSlots slots,
    IOptions<RelayOptions> options,
    IOptions<EventStoreOptions> store,
    RelayMetrics metrics,
    TimeProvider clock
)
{
    private readonly List<EventRecord>?[] _bySlot = new List<EventRecord>?[slots.Count];
    private readonly TimeSpan _timeout = TimeSpan.FromMilliseconds(options.Value.PublishTimeoutMilliseconds);
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
        var heartbeat = new Heartbeat(page, NextSent(), heads, servers.Placement);
        return PublishAsync(
            [(store.Value.Channel, heartbeat), (RelayChannels.Pages(store.Value.Channel), heartbeat)],
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
        // Not awaited one by one: a connection keeps their order.
        var sending = new List<Task<bool>>(messages.Count);
        foreach (var (channel, message) in messages)
        {
            var bytes = secret.Sign(format.ToBytes(message));
            if (message is SlotBody)
                sending.Add(servers.For(channel).PublishAsync(channel, bytes, _timeout, cancellationToken));
            else
                foreach (var server in servers.All)
                    sending.Add(server.PublishAsync(channel, bytes, _timeout, cancellationToken));
        }
        foreach (var accepted in await Task.WhenAll(sending))
            if (!accepted)
                metrics.Failed();
    }
}
