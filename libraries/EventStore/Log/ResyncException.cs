using EventStore;

namespace AspireSse;

/// <summary>A place that the log cannot honour: events after it are gone, or it belongs to another history.</summary>
/// <remarks>Needed by a consumer with a checkpoint, which may lack events or have events that the log no longer has: it
/// rebuilds what it derived from them, and goes on after <see cref="ResumeFrom"/>.</remarks>
/// <param name="reason">The reason.</param>
/// <param name="requested">The place that was asked for.</param>
/// <param name="resumeFrom">The place after which to go on.</param>
public sealed class ResyncException(ResyncReason reason, StreamPosition requested, StreamPosition resumeFrom)
    : Exception($"{Why(reason)}: the log cannot go on after {requested}, but after {resumeFrom}.")
{
    /// <summary>The reason.</summary>
    public ResyncReason Reason => reason;

    /// <summary>The place that was asked for.</summary>
    public StreamPosition Requested => requested;

    /// <summary>The place after which all of the log's events are new to the reader: where the histories fork, or else
    /// before the oldest event that the log has. The head if the reason is
    /// <see cref="ResyncReason.Future"/>.</summary>
    public StreamPosition ResumeFrom => resumeFrom;

    /// <summary>Throws if a page that was read after a place does not continue it.</summary>
    internal static void ThrowIfLost(StreamPosition? after, LogPage page, Lineage lineage)
    {
        if (after is not { } asked)
            return;

        (ResyncReason Reason, long ResumeFrom)? lost =
            lineage.Translate(asked) is null ? (ResyncReason.Epoch, lineage.SharedWith(asked.Epoch) ?? 0)
            : asked.Position > page.Head ? (ResyncReason.Future, page.Head)
            : asked.Position < page.DroppedThrough ? (ResyncReason.Expired, 0)
            : null;
        if (lost is var (why, place))
            throw new ResyncException(why, asked, new StreamPosition(page.Epoch, Math.Max(page.DroppedThrough, place)));
    }

    private static string Why(ResyncReason reason) =>
        reason switch
        {
            ResyncReason.Expired => "Retention has dropped events",
            ResyncReason.Future => "Postgres was restored without a new epoch",
            _ => "Postgres was reset, restored, or promoted without its newest events",
        };
}
