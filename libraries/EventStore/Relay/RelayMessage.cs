namespace EventStore;

/// <summary>A page of the log as the Broadcaster relays it.</summary>
/// <param name="Epoch">The epoch that the positions belong to.</param>
/// <param name="Fence">The leader's fencing number; receivers ignore messages with a lower one than before in this
/// epoch.</param>
/// <param name="Previous">The position of the event before the page. A receiver with a lower position has missed
/// events and reads them from the store.</param>
/// <param name="Last">The position of the last event; the head in a heartbeat.</param>
public sealed record RelayPage(string Epoch, long Fence, long Previous, long Last);

/// <summary>
/// A message of the Broadcaster on Redis. A page is one <see cref="SlotBody"/> for each slot that has events in it, and
/// then one <see cref="PageIndex"/>; <see cref="Heartbeat"/> follows once a second. <see cref="RelayFormat"/> shows
/// the bytes.
/// </summary>
/// <param name="Page">The page that the message belongs to.</param>
public abstract record RelayMessage(RelayPage Page);

/// <summary>The events of one slot in a page. An event without data was too large for Redis.</summary>
/// <param name="Page">The page.</param>
/// <param name="Slot">The slot, and with it the channel.</param>
/// <param name="Events">The events in position order; not empty.</param>
/// <param name="TraceParent">W3C trace context of the relay; null without one.</param>
public sealed record SlotBody(RelayPage Page, int Slot, IReadOnlyList<EventRecord> Events, string? TraceParent)
    : RelayMessage(Page);

/// <summary>The slots that have events in a page.</summary>
/// <param name="Page">The page.</param>
/// <param name="Sent">A number that grows with each index and heartbeat of a leader; one that does not is a
/// repetition.</param>
/// <param name="Slots">The slots. The bodies of all other slots do not exist.</param>
public sealed record PageIndex(RelayPage Page, long Sent, SlotSet Slots) : RelayMessage(Page);

/// <summary>The head of the log, and of each slot.</summary>
/// <param name="Page">An empty page at the head.</param>
/// <param name="Sent">As in <see cref="PageIndex"/>.</param>
/// <param name="Heads">For each slot a position after which it has no events up to the head.</param>
/// <param name="Placement">The Broadcaster's <see cref="RedisServers.Placement"/>; null from older versions.</param>
public sealed record Heartbeat(RelayPage Page, long Sent, IReadOnlyList<long> Heads, ulong? Placement = null)
    : RelayMessage(Page);
