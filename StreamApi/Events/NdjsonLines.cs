using System.Buffers;
using System.IO.Pipelines;

namespace StreamApi.Events;

/// <summary>The lines of a body. Each read brings some, and the beginning of the next one.</summary>
internal sealed class NdjsonLines(HttpContext context, int maxLineBytes)
{
    private readonly PipeReader _body = context.Request.BodyReader;
    private readonly BodyFloor _floor = new(context);

    /// <summary>Bytes of this read and earlier ones that no line has taken.</summary>
    private ReadOnlySequence<byte> _rest;

    /// <summary>Bytes of the rest that have no line break: each is searched once, however few a read brings.</summary>
    private long _searched;
    private bool _isComplete;

    /// <summary>Bytes that use memory since the last read.</summary>
    public long Buffered { get; private set; }

    /// <summary>Bytes that the last read brought.</summary>
    public long Received { get; private set; }

    /// <summary>Reads more; false at the end. After each read, <see cref="Advance"/> is due.</summary>
    /// <exception cref="BadHttpRequestException">The body was cut off, or arrives too slowly.</exception>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        if (_isComplete)
            return false;

        var known = _searched;
        var read = await _floor.ReadAsync(known, cancellationToken);
        _rest = read.Buffer;
        _isComplete = read.IsCompleted;
        Buffered = _rest.Length;
        Received = Buffered - known;

        return true;
    }

    /// <summary>Takes the next line, without the white space around it; false: it is not there yet.</summary>
    /// <exception cref="InvalidRequestException">413: the line is too long.</exception>
    public bool TryTake(out ReadOnlyMemory<byte> line)
    {
        line = default;
        var end = _rest.Slice(_searched).PositionOf((byte)'\n');
        var text = end is { } lineBreak ? _rest.Slice(0, lineBreak) : _rest;
        if (text.Length > maxLineBytes)
            throw new InvalidRequestException(
                "data",
                $"the line has more than {maxLineBytes} bytes.",
                StatusCodes.Status413PayloadTooLarge
            );

        if (end is null && (!_isComplete || text.IsEmpty))
        {
            _searched = text.Length;
            return false;
        }

        line = text.ToArray().AsMemory().Trim(" \t\r"u8);
        _rest = _rest.Slice(end is { } taken ? _rest.GetPosition(1, taken) : _rest.End);
        _searched = 0;

        return true;
    }

    /// <summary>Gives back what the lines have taken. Due also after a refusal, because the rest of the body is read
    /// after the response.</summary>
    public void Advance()
    {
        _searched = _rest.Length;
        _body.AdvanceTo(_rest.Start, _rest.End);
    }
}
