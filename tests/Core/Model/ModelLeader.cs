using EventStore;

namespace Core.Model;

/// <summary>A leading Broadcaster: <see cref="RelayCore"/> between the store and the channels.</summary>
internal sealed class ModelLeader
{
    private readonly ModelStore _store;
    private readonly Func<IEnumerable<ModelChannel>> _receivers;
    private readonly RelayCore _core = new();
    private long _after;
    private long _sent;

    public ModelLeader(ModelStore store, long fence, Func<IEnumerable<ModelChannel>> receivers)
    {
        _store = store;
        _receivers = receivers;
        Fence = fence;
        _core.Start(store.HeadOf(store.Now));
        _after = store.Now.Head;
    }

    public long Fence { get; }

    /// <summary>A former primary that it still reads, because it has not noticed the change, or null for the current
    /// one.</summary>
    public ModelHistory? CutOff { get; set; }

    /// <summary>Relays the next events. Returns false if there are none.</summary>
    public bool Relay(int most)
    {
        var page = _store.Read(_after, _ => true, most, CutOff);
        foreach (var message in _core.Messages(page, _after, Fence))
            Send(message, message.IsHeartbeat ? [] : page.Events);
        _after = page.Next;
        return page.Events.Count > 0;
    }

    public void SendHeartbeat() => Send(_core.Heartbeat(Fence), []);

    private void Send(RelayPage page, IReadOnlyList<EventRecord> events)
    {
        var message = RelayFormat.ToBytes(page with { Sent = ++_sent }, [.. events.Select(WithoutLargeData)]);
        foreach (var channel in _receivers())
            channel.Publish(message);
    }

    private static EventRecord WithoutLargeData(EventRecord record) =>
        ModelStore.IsLarge(record) ? record with { Data = default } : record;
}
