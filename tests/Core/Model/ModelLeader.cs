using EventStore;

namespace Core.Model;

/// <summary>A leading Broadcaster: <see cref="RelayCore"/> between the store and the channels.</summary>
internal sealed class ModelLeader
{
    private readonly ModelStore _store;
    private readonly Func<IEnumerable<ModelChannel>> _receivers;
    private readonly RelayCore _core = new();
    private readonly bool _isOfVersionBefore;
    private long _sent;

    public ModelLeader(ModelStore store, long fence, ModelChance chance, Func<IEnumerable<ModelChannel>> receivers)
    {
        _store = store;
        _receivers = receivers;
        Fence = fence;
        Direct = new ModelChannel(chance);
        _isOfVersionBefore = chance.OneIn(4);
        Subscribe();
        _core.Start(store.HeadOf(store.Now));
    }

    public long Fence { get; }

    /// <summary>The pages that replicas send of their own commits.</summary>
    public ModelChannel Direct { get; }

    /// <summary>A former primary that it still reads, because it has not noticed the change, or null for the current
    /// one.</summary>
    public ModelHistory? CutOff { get; set; }

    /// <summary>Pages that it need not relay.</summary>
    public int Heard { get; private set; }

    public void Subscribe()
    {
        if (!_isOfVersionBefore)
            Direct.Subscribe();
    }

    /// <summary>Hears a page. Returns false if there is none.</summary>
    public bool Hear()
    {
        if (Direct.Take() is not { } message)
            return false;

        var before = _core.Relayed;
        _core.Hear(RelayFormat.Parse(message));
        Heard += _core.Relayed > before ? 1 : 0;
        return true;
    }

    /// <summary>Relays the next events. Returns false if there are none.</summary>
    public bool Relay(int most)
    {
        var after = _core.Relayed;
        var page = _store.Read(after, _ => true, most, CutOff);
        if (_core.TryEnter(page, after))
            SendHeartbeat();
        if (_core.Next(page, Fence) is { } message)
            Send(message, [.. page.Events.Where(e => e.Position > message.Previous)]);
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
