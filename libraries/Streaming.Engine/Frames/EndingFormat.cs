using System.Buffers;

namespace Streaming.Frames;

/// <summary>A format whose streams end at events of some types. Equal formats share frames.</summary>
/// <param name="format">The format that shows the events.</param>
/// <param name="ends">The types.</param>
/// <param name="after">The place through which events of these types do not end the stream, or null.</param>
internal sealed class EndingFormat(FrameFormat format, IReadOnlyList<string> ends, StreamPosition? after) : FrameFormat
{
    private readonly FrameFormat _format = format;
    private readonly IReadOnlyList<string> _ends = ends;
    private readonly StreamPosition? _after = after;

    /// <summary>Returns a format that ends at these types, or the given format if there are none.</summary>
    /// <exception cref="ArgumentException">A type is null or empty.</exception>
    public static FrameFormat Of(FrameFormat format, IReadOnlyList<string> ends, StreamPosition? after = null)
    {
        ArgumentNullException.ThrowIfNull(ends);
        if (ends.Any(string.IsNullOrEmpty))
            throw new ArgumentException("A stream ends at events of a type: none of them may be empty.", nameof(ends));

        return ends.Count == 0 ? format : new EndingFormat(format, ends, after);
    }

    public override FrameFormat Frames => _format;

    public override bool IsShown => _format.IsShown;

    public override bool SendsPositions => _format.SendsPositions;

    public override string IdOf(StreamPosition at, string topic) => _format.IdOf(at, topic);

    public override bool Ends(EventRecord record) =>
        _ends.Contains(record.Type)
        && !(_after is { } after && record.At.Epoch == after.Epoch && record.Position <= after.Position);

    public override void Write(IBufferWriter<byte> output, string id, EventRecord record) =>
        _format.Write(output, id, record);

    public override bool Equals(object? obj) =>
        obj is EndingFormat other
        && ReferenceEquals(_format, other._format)
        && _after == other._after
        && _ends.SequenceEqual(other._ends);

    public override int GetHashCode() => HashCode.Combine(_format, _after, _ends.Count);
}
