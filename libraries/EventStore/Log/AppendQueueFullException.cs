namespace AspireSse;

/// <summary>Too many bytes wait (<see cref="EventStoreOptions.MaxPendingBytes"/>); nothing was appended.</summary>
public sealed class AppendQueueFullException() : StoreUnavailableException("Too many bytes wait to be stored.");
