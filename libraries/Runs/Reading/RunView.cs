using System.Collections.Concurrent;
using Streaming.Frames;

namespace Runs;

/// <summary>The form in which a stream shows a run of an application, and the events that end it.</summary>
/// <param name="Frames">Sends no positions, and ends at the <paramref name="EndTypes"/>.</param>
internal sealed record RunView(FrameFormat Frames, string[] EndTypes)
{
    /// <summary>One for each that the application's code names: ids with a secret belong to an instance.</summary>
    private static readonly ConcurrentDictionary<(EventFormat Format, string End), RunView> Known = [];

    /// <summary>Returns the view of runs that end by an event of their own, or without it: work may return, or
    /// fail, before it appends that.</summary>
    /// <param name="end">The type of their own last event.</param>
    public static RunView Of(EventFormat format, string end) => Known.GetOrAdd((format, end), Create);

    private static RunView Create((EventFormat Format, string End) named)
    {
        string[] ends = [.. new[] { named.End, Run.EndType, "error" }.Distinct()];
        var choice = NamedFormatChoice.Of(_ => named.Format == EventFormat.Named, ends, sendsPositions: false);
        return new(choice.For(named.Format == EventFormat.TypedMessages ? false : null), ends);
    }
}
