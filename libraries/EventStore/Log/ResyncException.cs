using EventStore;

namespace AspireSse;

/// <summary>A place that the log cannot honour: events after it are gone, or it belongs to another history.</summary>
/// <remarks>Needed by a consumer with a checkpoint, which may lack events or have events that the log no longer has: it
/// rebuilds what it derived from them, and goes on after <see cref="ResumeFrom"/>.</remarks>
public sealed class ResyncException : Exception
{
    internal ResyncException(ResyncReason reason, StreamPosition requested, StreamPosition resumeFrom)
        : base(
            reason switch
            {
                ResyncReason.Expired => $"Retention has dropped events after {requested}. ",
                ResyncReason.Future => $"{requested} is beyond the end of the log: Postgres was restored without a new "
                    + "epoch. ",
                _ => $"The log has another history than {requested}: Postgres was reset, restored, or promoted without "
                    + "its newest events. ",
            } + $"The log goes on after {resumeFrom}."
        ) => (Reason, Requested, ResumeFrom) = (reason, requested, resumeFrom);

    /// <summary>The reason.</summary>
    public ResyncReason Reason { get; }

    /// <summary>The place that was asked for.</summary>
    public StreamPosition Requested { get; }

    /// <summary>The place after which all of the log's events are new to the reader: where the histories fork, or else
    /// before the oldest event that the log has. The head if the reason is
    /// <see cref="ResyncReason.Future"/>.</summary>
    public StreamPosition ResumeFrom { get; }

    /// <summary>Throws if a page that was read after a place does not continue it.</summary>
    internal static void ThrowIfLost(StreamPosition? after, LogPage page, Lineage lineage)
    {
        if (after is not { } asked)
            return;

        var translated = lineage.Translate(asked);
        var fork = lineage.SharedWith(asked.Epoch) ?? 0;
        ResyncReason? reason =
            translated is null ? ResyncReason.Epoch
            : asked.Position > page.Head ? ResyncReason.Future
            : asked.Position < page.DroppedThrough ? ResyncReason.Expired
            : null;
        if (reason is { } why)
            throw new ResyncException(
                why,
                asked,
                new StreamPosition(
                    page.Epoch,
                    why == ResyncReason.Future
                        ? page.Head
                        : Math.Max(page.DroppedThrough, translated is null ? fork : 0)
                )
            );
    }
}
