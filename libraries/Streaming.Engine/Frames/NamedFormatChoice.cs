namespace Streaming.Frames;

/// <summary>The three formats of one stream: its default, <c>?named=true</c> and <c>?named=false</c>.</summary>
internal sealed class NamedFormatChoice(Func<Func<string, bool>, bool, FrameFormat> make, Func<string, bool> isNamed)
{
    private readonly FrameFormat _default = make(isNamed, false);
    private readonly FrameFormat _named = make(_ => true, false);
    private readonly FrameFormat _unnamed = make(_ => false, true);

    /// <param name="isNamed">Returns true for event types that are named by default.</param>
    /// <param name="ends">Types that end the stream.</param>
    /// <param name="sendsPositions">See <see cref="FrameFormat.SendsPositions"/>.</param>
    public static NamedFormatChoice Of(
        Func<string, bool> isNamed,
        IReadOnlyCollection<string>? ends = null,
        bool sendsPositions = true
    ) => new((named, inData) => new NamedFormat(named, inData, ends ?? [], sendsPositions), isNamed);

    public FrameFormat For(bool? named) =>
        named switch
        {
            true => _named,
            false => _unnamed,
            null => _default,
        };
}
