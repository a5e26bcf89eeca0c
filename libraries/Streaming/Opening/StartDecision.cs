using EventStore;

namespace Streaming.Opening;

/// <summary>The start of a stream. It is decided without I/O: the caller asks the store.</summary>
/// <param name="Head">The newest position, for the greeting.</param>
/// <param name="After">The id that the greeting carries: the stream shows what follows it.</param>
/// <param name="From">The position from which events are read.</param>
internal readonly record struct StartDecision(
    StreamPosition Head,
    StreamPosition After,
    StreamPosition From,
    StartKind Kind,
    ResyncReason Reason = default
)
{
    /// <summary>Returns the start if this replica alone can decide it, or null if the store's head is needed.</summary>
    public static StartDecision? WithoutStore(StreamRequest request, StreamPosition settled, Lineage lineage)
    {
        if (request is { Last.Id: null, Ordinal: { } reason, StartAfter: { } given })
            return Resync(settled, given, given, reason);

        return request.Place is { } place && lineage.Translate(place) is { } here && here.Position <= settled.Position
            ? Found(request, settled, place, here)
            : null;
    }

    /// <summary>Returns the start, or null if only the store could tell and it did not answer.</summary>
    /// <param name="stored">The store's head, or null if it did not answer.</param>
    public static StartDecision? WithStore(
        StreamRequest request,
        StreamPosition settled,
        Lineage lineage,
        StreamPosition? stored
    )
    {
        // A former primary answered, which does not know this epoch.
        if (stored is { } answer && answer.Epoch != settled.Epoch && lineage.Knows(answer.Epoch))
            stored = null;

        var head =
            stored is { } read && read.Epoch == settled.Epoch && read.Position > settled.Position ? read : settled;
        if (request is { Last.Text: null, StartAfter: null })
            return new(head, head, head, StartKind.Fresh);

        var state = request.ResyncAfter ?? head;
        if (request.Place is not { } place)
            return Resync(head, state, state, request.Ordinal ?? ResyncReason.Malformed);

        if (lineage.Translate(place) is not { } here)
        {
            // An epoch that is unknown here may be one that the store has just begun.
            var isUpToDate = stored is { } at && lineage.Knows(at.Epoch);
            return isUpToDate || lineage.Knows(place.Epoch) ? Resync(head, place, state, ResyncReason.Epoch) : null;
        }

        if (here.Position <= head.Position)
            return Found(request, head, place, here);

        // Only the store can tell that an id lies beyond the head. If it does not answer, another replica may be ahead
        // of this one: the id is accepted, and the stream continues when the feed reaches it.
        return stored is null ? Found(request, here, place, here) : Resync(head, place, state, ResyncReason.Future);
    }

    private static StartDecision Found(
        StreamRequest request,
        StreamPosition head,
        StreamPosition place,
        StreamPosition here
    ) => new(head, place, here, request.Last.Id is null ? StartKind.Fresh : StartKind.Resumed);

    private static StartDecision Resync(
        StreamPosition head,
        StreamPosition after,
        StreamPosition from,
        ResyncReason reason
    ) => new(head, after, from, StartKind.Resync, reason);
}

internal enum StartKind
{
    Fresh,
    Resumed,

    /// <summary>The stream cannot resume from the client's id, and sends a resync.</summary>
    Resync,
}
