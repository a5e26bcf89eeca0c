namespace EventStore;

/// <summary>A page of the log as the Broadcaster relays it. A page without events is a heartbeat, which names the
/// head.</summary>
/// <param name="Fence">The leader's fencing number; receivers ignore a page with a lower number than before in this
/// epoch.</param>
/// <param name="Previous">Position of the event before the page; a receiver behind it reads the store.</param>
/// <param name="Last">The position of the last event; the head in a heartbeat.</param>
/// <param name="Sent">A number that grows with each message of a leader; a message whose number is not higher is a
/// repetition.</param>
internal sealed record RelayPage(string Epoch, long Fence, long Previous, long Last, long Sent)
{
    /// <summary>The first tokens of the events' topics, or null if they are too many to name.</summary>
    public IReadOnlyList<string>? FirstTokens { get; init; } = [];

    public string? TraceParent { get; init; }

    /// <summary>The events as JSON, unread; empty in a heartbeat.</summary>
    public ReadOnlyMemory<byte> Events { get; init; }

    /// <summary>True for a page without events.</summary>
    public bool IsHeartbeat => Previous == Last;

    /// <summary>Reads the events, in position order. An event without data was too large for Redis.</summary>
    /// <exception cref="InvalidDataException">The events contradict the page's other members.</exception>
    public IReadOnlyList<EventRecord> ReadEvents()
    {
        var events = RelayEvents.Read(Epoch, Events);
        var at = Previous;

        foreach (var record in events)
        {
            if (record.Position <= at || FirstTokens?.Contains(EventStore.FirstTokens.Of(record.Topic)) is false)
                throw new InvalidDataException("The events of a relayed page contradict its header.");
            at = record.Position;
        }

        return at == Last ? events : throw new InvalidDataException("A relayed page lacks its last event.");
    }
}
