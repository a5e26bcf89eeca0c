using EventStore;

namespace Streaming.Feed;

/// <summary>A page or a heartbeat of the relay as this replica received it, with the events of its slots.</summary>
/// <param name="Page">The page; null: the subscription to the pages has begun, and earlier ones were not
/// received.</param>
internal sealed record FeedMessage(RelayPage? Page)
{
    /// <summary>Events of the received slots, in position order.</summary>
    public IReadOnlyList<EventRecord> Events { get; init; } = [];

    /// <summary>Slots that have events in the page but were not received, because no filter needed them or their bodies
    /// were lost; null: none.</summary>
    public SlotSet? Missing { get; init; }

    /// <summary>True if events of a subscribed slot are missing: <see cref="LiveFeed"/> reads the store, or publishes
    /// the page without them.</summary>
    public bool IsIncomplete { get; init; }

    /// <summary>True for a page of which this replica receives no body.</summary>
    public bool IsIndexOnly => Heads is null && !IsIncomplete && Events.Count == 0;

    /// <summary>In a heartbeat, the head of each slot.</summary>
    public IReadOnlyList<long>? Heads { get; init; }

    public string? TraceParent { get; init; }

    /// <summary>Bytes of memory of the messages.</summary>
    public int Bytes { get; init; }

    /// <summary>Returns the slots with events after <paramref name="settled"/> that were not received; null:
    /// none.</summary>
    public SlotSet? MissingAfter(long settled)
    {
        if (Heads is null)
            return Missing;
        SlotSet? missing = null;
        for (var slot = 0; slot < Heads.Count; slot++)
            if (Heads[slot] > settled)
                (missing ??= new SlotSet(Heads.Count)).Add(slot);
        return missing;
    }
}
