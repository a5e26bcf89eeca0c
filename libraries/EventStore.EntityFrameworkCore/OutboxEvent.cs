namespace AspireSse;

/// <summary>An event that waits for its context's next save. The context tracks it as a change without a
/// table.</summary>
/// <remarks>Needed by audits that handle each entry of a context, to leave the events out.</remarks>
public sealed class OutboxEvent
{
    private static long _last;

    private readonly Func<NewEvent> _make = null!;
    private NewEvent? _made;

    internal OutboxEvent(Func<NewEvent> make)
    {
        Number = Interlocked.Increment(ref _last);
        _make = make;
    }

    // Entity Framework's, which never reads one from a database.
    private OutboxEvent() { }

    /// <summary>The place in the order of the calls of <c>Publish</c> in this process.</summary>
    public long Number { get; private set; }

    /// <summary>The newest <see cref="Number"/> of all contexts.</summary>
    internal static long LastNumber => Interlocked.Read(ref _last);

    /// <summary>The transaction, begun or ambient, in which the event was published, until a save has written the
    /// event.</summary>
    internal object? LostWith { get; set; }

    /// <summary>Returns the event to write. It keeps its id while its content is the same, so that a repeated save
    /// appends it once.</summary>
    internal NewEvent Make()
    {
        var made = _make();
        if (_made is null || made with { Id = _made.Id } != _made)
            _made = made with { Id = made.Id ?? Guid.CreateVersion7() };
        return _made;
    }
}
