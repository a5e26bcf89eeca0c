using System.Collections.Concurrent;
using Streaming.Frames;

namespace Runs;

/// <summary>The frame format in which a stream shows a run of an application, and the events that end the
/// run.</summary>
/// <param name="Frames">Sends no positions, and ends at the <paramref name="EndTypes"/>.</param>
internal sealed record RunView(FrameFormat Frames, string[] EndTypes)
{
    /// <summary>One view for each pair that the application's code names, because <see cref="SecretIdFormat"/> has one
    /// instance for each format.</summary>
    private static readonly ConcurrentDictionary<(EventFormat Format, string End), RunView> Known = [];

    /// <summary>Returns the view of runs that end with an event of the application. An <c>end</c> or <c>error</c> also
    /// ends them, since work may return or fail before it appends its last event.</summary>
    /// <param name="end">Type of the application's last event.</param>
    public static RunView Of(EventFormat format, string end) => Known.GetOrAdd((format, end), Create);

    private static RunView Create((EventFormat Format, string End) named)
    {
        string[] ends = [.. new[] { named.End, Run.EndType, "error" }.Distinct()];
        var choice = NamedFormatChoice.Of(_ => named.Format == EventFormat.Named, ends, sendsPositions: false);
        return new(choice.For(named.Format == EventFormat.TypedMessages ? false : null), ends);
    }
}
