using EventStore;

namespace Unit.Model;

/// <summary>The subscriptions of a replica, as SlotSubscriptions makes them.</summary>
internal sealed class ModelSubscriptions(ModelChannels channels, int slots)
{
    private const int Confirmed = 1,
        Receiving = 2;

    private readonly int[] _states = new int[slots];

    /// <summary>True if the replica lives on heartbeats until a body comes or another slot is needed.</summary>
    public bool HasLeftIndexes { get; private set; }

    /// <summary>True if a body has led back to the indexes.</summary>
    public bool Returns { get; set; }

    public bool IsNew(int slot) => _states[slot] == 0;

    public bool IsReceiving(int slot) => _states[slot] == Receiving;

    /// <summary>Subscribes to what the filters need. Returns true if the page indexes begin.</summary>
    public bool Follow(SlotSet needed)
    {
        foreach (var slot in needed)
            HasLeftIndexes &= channels.Has(slot);
        for (var slot = 0; slot < slots; slot++)
        {
            if (!needed.Contains(slot) || !channels.Has(slot))
                _states[slot] = 0;
            if (needed.Contains(slot) && !channels.Has(slot))
            {
                channels.Subscribe(slot);
                _states[slot] = Confirmed;
            }
            else if (!needed.Contains(slot))
                channels.Unsubscribe(slot);
        }
        channels.Subscribe(channels.Heartbeats);
        var begins = needed.Count > 0 && !HasLeftIndexes && !channels.Has(channels.Pages);
        if (begins)
            channels.Subscribe(channels.Pages);
        else if (needed.Count == 0)
            channels.Unsubscribe(channels.Pages);
        return begins;
    }

    public void LeaveIndexes()
    {
        channels.Unsubscribe(channels.Pages);
        HasLeftIndexes = true;
    }

    public void BodyReceived()
    {
        Returns |= HasLeftIndexes;
        HasLeftIndexes = false;
    }

    /// <summary>Every body of the pages after this one must come. Returns the slots of which it must have come
    /// with this one.</summary>
    public SlotSet IndexReceived()
    {
        var due = new SlotSet(slots);
        for (var slot = 0; slot < slots; slot++)
            if (_states[slot] == Receiving)
                due.Add(slot);
            else if (_states[slot] == Confirmed)
                _states[slot] = Receiving;
        return due;
    }
}
