using EventStore;
using Streaming.Fanout;

namespace Streaming.Connections;

/// <summary>What happens where a client cannot keep up (<c>?slow=</c>).</summary>
internal enum SlowReader
{
    /// <summary>Fed from the store until level again; nothing is lost.</summary>
    CatchUp,

    /// <summary>Skips to the newest event of each key (of each topic, without keys), and is told by <c>event:
    /// skipped</c>.</summary>
    Latest,

    /// <summary>The stream ends (<see cref="StreamingOptions.SlowSeconds"/>); where it still takes something, the
    /// client is told when to come back.</summary>
    Disconnect,
}

internal static class SlowReaders
{
    /// <summary>Null where the text names none.</summary>
    public static SlowReader? Parse(string? text) =>
        text switch
        {
            null or "" or "catch-up" => SlowReader.CatchUp,
            "latest" => SlowReader.Latest,
            "disconnect" => SlowReader.Disconnect,
            _ => null,
        };

    /// <summary>The last frame of each key, in position order, and what was left out.</summary>
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
