using EventStore;
using Streaming.Fanout;

namespace Streaming.Connections;

/// <summary>Policy for a client that cannot keep up (<c>?slow=</c>).</summary>
internal enum SlowReader
{
    /// <summary>Feeds the client from the store until it has caught up, so that nothing is lost.</summary>
    CatchUp,

    /// <summary>
    /// Skips to the newest event of each key (of each topic, without keys), and sends <c>event: skipped</c>.
    /// </summary>
    Latest,

    /// <summary>
    /// Ends the stream (<see cref="StreamingOptions.SlowSeconds"/>), and sends a reconnection time if the client still
    /// reads.
    /// </summary>
    Disconnect,
}

internal static class SlowReaders
{
    /// <summary>Returns the policy, or null for an unknown text.</summary>
    public static SlowReader? Parse(string? text) =>
        text switch
        {
            null or "" or "catch-up" => SlowReader.CatchUp,
            "latest" => SlowReader.Latest,
            "disconnect" => SlowReader.Disconnect,
            _ => null,
        };

    /// <summary>Returns the last frame of each key, in position order, and the range omitted.</summary>
    public static (List<LogFrame> Kept, SkippedRange? Skipped) NewestOfEachKey(IReadOnlyList<LogFrame> frames)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var kept = new List<LogFrame>();
        SkippedRange? skipped = null;
        for (var i = frames.Count - 1; i >= 0; i--)
        {
            if (seen.Add(frames[i].Key))
                kept.Add(frames[i]);
            else
                skipped = new SkippedRange(
                    frames[i].Position,
                    skipped?.To ?? frames[i].Position,
                    (skipped?.Count ?? 0) + 1
                );
        }
        kept.Reverse();
        return (kept, skipped);
    }
}
