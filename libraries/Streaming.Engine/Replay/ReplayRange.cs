using Streaming.Fanout;

namespace Streaming.Replay;

/// <param name="Newest">True for only the newest event of each key, with the range of the events omitted.</param>
/// <param name="IsSmall">True for a small page, for a client that does not read fast enough for a whole one.</param>
/// <param name="Through">Position through which omissions are announced, where the read ends. Null to read through the
/// head.</param>
internal readonly record struct ReplayRange(StreamFilter Filter, long After, bool Newest, bool IsSmall, long? Through)
{
    private const int WholeEvents = 512,
        SmallEvents = 32;

    /// <summary>Bytes of a small page, which may be kept until its client has taken them.</summary>
    public const int SmallBytes = 16 * 1024;

    private const int WholeBytes = 1024 * 1024;

    public int Events => IsSmall ? SmallEvents : WholeEvents;

    /// <summary>Maximum bytes of data, unless the first event is larger.</summary>
    public int Bytes => IsSmall ? SmallBytes : WholeBytes;

    /// <summary>True if a read may look at many events and return few.</summary>
    public bool MaySearch => Newest || (Filter.Events is { IsAll: false } events && !IsExact(events));

    private static bool IsExact(EventFilter filter) =>
        filter.Types.Count == 0
        && filter.Keys.Count == 0
        && !filter.Topics.Any(static topic => topic.AsSpan().ContainsAny('*', '>'));
}
