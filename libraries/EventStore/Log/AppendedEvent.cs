namespace AspireSse;

/// <summary>An event after its append; a retry gets the place of the first append.</summary>
/// <remarks>Needed to tell a client the id and the place of its event, such as in the response to a publish.</remarks>
public readonly record struct AppendedEvent(Guid Id, StreamPosition At);
