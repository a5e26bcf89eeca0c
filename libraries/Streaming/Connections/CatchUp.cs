using Streaming.Fanout;
using Streaming.Replay;

namespace Streaming.Connections;

/// <summary>What a connection has while it lags behind its ring.</summary>
internal sealed class CatchUp
{
    /// <summary>The requested page; null: none.</summary>
    public ReplayWaiter? Asked;

    /// <summary>The page being written, and the index of its next frame.</summary>
    public ReplayPage? Page;
    public int PageIndex;

    /// <summary>True if the last page was a search of the log that found little and has to go on; null before the
    /// first.</summary>
    public bool? IsSearching;

    /// <summary>True if a page was released because the client did not read: the next ones are small.</summary>
    public bool HasStalled;

    /// <summary>Position through which the client has been notified of skipped events. The events kept of that range
    /// may take several pages, or be read again.</summary>
    public long SkippedThrough;
}
