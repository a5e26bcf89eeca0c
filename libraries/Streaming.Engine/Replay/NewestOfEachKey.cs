using Streaming.Fanout;

namespace Streaming.Replay;

internal static class NewestOfEachKey
{
    /// <summary>Returns the last frame of each key, in position order, and the range omitted.</summary>
    public static (List<LogFrame> Kept, SkippedRange? Skipped) Of(IReadOnlyList<LogFrame> frames)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var kept = new List<LogFrame>();
        SkippedRange? skipped = null;
        for (var i = frames.Count - 1; i >= 0; i--)
            if (seen.Add(frames[i].Key))
                kept.Add(frames[i]);
            else
                skipped = new SkippedRange(
                    frames[i].Position,
                    skipped?.To ?? frames[i].Position,
                    (skipped?.Count ?? 0) + 1
                );

        kept.Reverse();
        return (kept, skipped);
    }
}
