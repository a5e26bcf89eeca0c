namespace AspireSse;

/// <summary>Too many bytes wait (<see cref="EventStoreOptions.MaxPendingBytes"/>); nothing was appended.</summary>
/// <remarks>Needed by a publisher that waits and appends again, as StreamApi does for a long list of events.</remarks>
public sealed class AppendQueueFullException() : StoreUnavailableException("Too many bytes wait to be stored.");
