using Streaming.Fanout;
using Streaming.Replay;

namespace Streaming.Connections;

/// <summary>State of a connection that lags behind its ring. <see cref="ConnectionWriter"/> decides when it is over,
/// <c>FilterRing.TrySeek</c> where the ring goes on.</summary>
internal sealed class CatchUpState
{
    public ReplayWaiter? Asked;

    public ReplayPage? Page;
    public int PageIndex;

    /// <summary>True if the last page was a search that has to go on. Null before the first page.</summary>
    public bool? IsSearching;

    /// <summary>True if a page was released because the client did not read: the next ones are small.</summary>
    public bool HasStalled;

    /// <summary>Position through which skipped events are announced. The events kept in that range may take several
    /// pages, or be read again.</summary>
    public long SkippedThrough;
}
