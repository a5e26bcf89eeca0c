namespace AspireSse;

/// <summary>A page of a reader's events, in the order of the log.</summary>
/// <remarks>Needed to read the log in order, such as by a consumer with a checkpoint.</remarks>
public sealed record EventPage
{
    /// <summary>The matching events.</summary>
    public required IReadOnlyList<EventRecord> Events { get; init; }

    /// <summary>The place after which to read on: a consumer's checkpoint once it has handled the page.</summary>
    public required StreamPosition Next { get; init; }

    /// <summary>The newest place in the log. There is more to read until <see cref="Next"/> is the same.</summary>
    public required StreamPosition Head { get; init; }
}
