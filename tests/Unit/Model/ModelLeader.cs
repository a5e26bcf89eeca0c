using EventStore;

namespace Unit.Model;

/// <summary>The Broadcaster's leader: relays pages, and heartbeats with the head.</summary>
internal sealed class ModelLeader(ModelStore store, long fence, Func<IEnumerable<ModelChannel>> receivers, ModelBug bug)
{
    private string _epoch = store.Now.Epoch;
    private long _relayed = store.Now.Head,
        _sent;

    public long Fence => fence;

    /// <summary>A former primary that it still reads, because it has not noticed the change; null: the current
    /// one.</summary>
    public ModelHistory? CutOff { get; set; }

    /// <summary>Relays the next events. Returns false if there are none.</summary>
    public bool Relay(int most)
    {
        var page = store.Read(_relayed, _ => true, most, CutOff);
        if (page.Epoch != _epoch)
        {
            _epoch = page.Epoch;
            _relayed = page.Events.Count == 0 ? page.Head : _relayed;
            SendHeartbeat();
        }

        // Events dropped meanwhile cannot be relayed, so receivers must see a gap.
        if (page.DroppedThrough > _relayed && bug != ModelBug.RelayIgnoresRetention)
            _relayed = page.DroppedThrough;
        if (page.Events.Count == 0)
            return false;

        Send(_relayed, page.Events[^1].Position, page.Events);
        _relayed = page.Events[^1].Position;
        return true;
    }

    public void SendHeartbeat() => Send(_relayed, _relayed, []);

    private void Send(long previous, long last, IReadOnlyList<EventRecord> events)
    {
        var message = RelayFormat.ToBytes(new RelayPage(_epoch, fence, previous, last, ++_sent), events);
        foreach (var channel in receivers())
            channel.Publish(message);
    }
}
