namespace EventStore;

/// <summary>A page of a reader's events, in position order, with the state of the log.</summary>
/// <param name="Head">The newest position, in the same snapshot as the events.</param>
/// <param name="DroppedThrough">Retention has dropped every position up to here; 0 if none.</param>
/// <param name="Through">The page has every matching event after the asked position and up to here.</param>
/// <param name="IsSearch">True if far more rows were read than events found, and more of the log remains.</param>
internal sealed record LogPage(
    string Epoch,
    long Head,
    long DroppedThrough,
    IReadOnlyList<EventRecord> Events,
    long Through,
    bool IsSearch = false
)
{
    /// <summary>The position after which to read on: <see cref="Through"/>, or the head if that is lower, as in another
    /// epoch's history.</summary>
    public long Next => Math.Min(Through, Head);

    public EventPage ToEventPage() =>
        new()
        {
            Events = Events,
            Next = new StreamPosition(Epoch, Next),
            Head = new StreamPosition(Epoch, Head),
        };
}
