using EventStore;

namespace AspireSse;

/// <summary>A page of a reader's events, in the order of the log.</summary>
/// <remarks>Needed to read the log in order, such as by a consumer with a checkpoint.</remarks>
public sealed record EventPage
{
    internal EventPage(LogPage page)
    {
        Events = page.Events;
        Next = new StreamPosition(page.Epoch, page.Next);
        Head = new StreamPosition(page.Epoch, page.Head);
    }

    /// <summary>The matching events.</summary>
    public IReadOnlyList<EventRecord> Events { get; }

    /// <summary>The place after which to read on: a consumer's checkpoint once it has handled the page.</summary>
    public StreamPosition Next { get; }

    /// <summary>The newest place in the log. There is more to read until <see cref="Next"/> is the same.</summary>
    public StreamPosition Head { get; }
}
