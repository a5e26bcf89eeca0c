using EventStore;

namespace Unit.Model;

/// <summary>The Broadcaster's leader: relays pages by slot with their index, and heartbeats with each slot's
/// head.</summary>
internal sealed class ModelLeader
{
    private readonly ModelStore _store;
    private readonly TopicSlots _slots;
    private readonly RelayFormat _format;
    private readonly long[] _heads;
    private readonly Func<IEnumerable<ModelChannels>> _receivers;
    private readonly ModelBug _bug;
    private string _epoch = "";
    private long _relayed,
        _sent;

    public ModelLeader(
        ModelStore store,
        TopicSlots slots,
        RelayFormat format,
        long fence,
        Func<IEnumerable<ModelChannels>> receivers,
        ModelBug bug
    )
    {
        (_store, _slots, _format, Fence, _receivers, _bug) = (store, slots, format, fence, receivers, bug);
        _heads = new long[slots.Count];
        StartAt(store.Now.Epoch, store.Now.Head);
    }

    public long Fence { get; }

    /// <summary>A former primary that it still reads, because it has not noticed the change; null: the current
    /// one.</summary>
    public ModelHistory? CutOff { get; set; }

    /// <summary>Relays the next events. Returns false if there are none.</summary>
    public bool Relay(int most)
    {
        var page = _store.Read(_relayed, _ => true, most, CutOff);
        if (page.Epoch != _epoch)
        {
            StartAt(page.Epoch, page.Events.Count == 0 ? page.Head : _relayed);
            SendHeartbeat();
        }
        // Events dropped meanwhile cannot be relayed, so receivers must see a gap.
        if (page.DroppedThrough > _relayed && _bug != ModelBug.RelayIgnoresRetention)
            StartAt(page.Epoch, page.DroppedThrough);
        if (page.Events.Count == 0)
            return false;
        var relay = new RelayPage(_epoch, Fence, _relayed, page.Events[^1].Position);
        var used = new SlotSet(_slots.Count);
        foreach (var events in page.Events.GroupBy(e => _slots.Of(e.Topic)))
        {
            used.Add(events.Key);
            _heads[events.Key] = events.Max(e => e.Position);
            Send(events.Key, new SlotBody(relay, events.Key, [.. events], null));
        }
        foreach (var channels in _receivers())
            channels.Publish(channels.Pages, _format.ToBytes(new PageIndex(relay, ++_sent, used)));
        _relayed = relay.Last;
        return true;
    }

    public void SendHeartbeat()
    {
        var heartbeat = _format.ToBytes(
            new Heartbeat(new RelayPage(_epoch, Fence, _relayed, _relayed), ++_sent, [.. _heads])
        );
        foreach (var channels in _receivers())
        {
            channels.Publish(channels.Heartbeats, heartbeat);
            channels.Publish(channels.Pages, heartbeat);
        }
    }

    private void Send(int channel, RelayMessage message)
    {
        foreach (var channels in _receivers())
            channels.Publish(channel, _format.ToBytes(message));
    }

    private void StartAt(string epoch, long position)
    {
        (_epoch, _relayed) = (epoch, position);
        Array.Fill(_heads, position);
    }
}
