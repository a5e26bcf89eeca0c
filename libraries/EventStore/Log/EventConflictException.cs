namespace AspireSse;

/// <summary>An id was used for other content within the last 24 h. Nothing of the request was appended.</summary>
/// <remarks>Needed to answer a client that uses an id again for other content, such as by 409.</remarks>
public sealed class EventConflictException(IReadOnlyList<Guid> ids)
    : Exception($"The id {string.Join(", ", ids)} was used for an event with other content. Use a new id.")
{
    /// <summary>The publisher's ids in the refused request; at least one of them was used before.</summary>
    public IReadOnlyList<Guid> Ids { get; } = ids;
}
