namespace Streaming.Fanout;

/// <summary>A page of frames, in position order, for the connections of one filter.</summary>
/// <param name="DroppedThrough">Position through which retention has deleted events.</param>
/// <param name="Through">Position through which the page has every matching event, or has skipped it.</param>
/// <param name="Skipped">Range left out in favour of newer events of the same keys, or null if there is none or the
/// client was told of it.</param>
/// <param name="SkippedThrough">Position through which newer events were considered; it may lie after the page.</param>
/// <param name="IsSearch">True if the read searched the log, found little and has to go on.</param>
internal sealed record ReplayPage(
    string Epoch,
    long DroppedThrough,
    IReadOnlyList<LogFrame> Frames,
    long Through,
    SkippedRange? Skipped = null,
    long SkippedThrough = 0,
    bool IsSearch = false
)
{
    /// <summary>Number of connections that hold the page. The budget of pages counts them.</summary>
    public int Holders;
}
