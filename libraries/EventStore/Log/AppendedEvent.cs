namespace AspireSse;

/// <summary>An event after its append; a retry gets the place of the first append.</summary>
public readonly record struct AppendedEvent(Guid Id, StreamPosition At);
