using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace AspireSse.Client.Reading;

/// <summary>
/// Parses events by HTML Living Standard §9.2.6 and updates the cursor with each complete block, also one with only an
/// id. The framework's SseParser would keep the id of an incomplete block, wait for the byte after a CR, and bound no
/// event.
/// <code>
/// data: a\r\rid: 2\nda             →  a        and at the end the rest is dropped
/// event: x\nid: 1\n\ndata: b\n\n   →  b        and before it the id, 1
/// </code>
/// </summary>
internal sealed class EventParser(Cursor cursor, int maxEvent) : IDisposable
{
    private const int InitialSize = 1_024;
    private static ReadOnlySpan<byte> Bom => [0xEF, 0xBB, 0xBF];

    private byte[] _buffer = [];

    // [0, _line): the block's data, each line with its LF; [_line, _write): the incomplete line;
    // [_next, _end): bytes not yet scanned.
    private int _line;
    private int _write;
    private int _next;
    private int _end;
    private bool _isAfterCr;
    private bool _isPastFirstLine;

    private string? _type;
    private string? _id;
    private TimeSpan? _retry;

    /// <summary>True after a part of an event, or of a line.</summary>
    public bool IsWithinEvent => _write > 0 || _type is not null || _id is not null;

    /// <summary>Returns free space for the next read. Call it after <see cref="Take"/> has returned null.</summary>
    public Memory<byte> Room()
    {
        if (_write == 0 && _buffer.Length > 16 * InitialSize)
            Resize(InitialSize); // release the memory of a large event

        if (_write >= maxEvent)
            throw new SseException(
                SseError.EventTooLarge,
                $"An event is larger than {maxEvent} bytes (SseClientOptions.MaxEventBytes)."
            );

        if (_write == _buffer.Length)
            Resize(Math.Max(InitialSize, Math.Min(_buffer.Length * 2, maxEvent)));

        return _buffer.AsMemory(_write);
    }

    /// <summary>Adds bytes that were read into <see cref="Room"/>.</summary>
    public void Add(int count)
    {
        _next = _write;
        _end = _write + count;
    }

    /// <summary>Takes the next event; returns null if none is complete.</summary>
    public SseEvent? Take()
    {
        while (_next < _end)
        {
            // The second half of a CR LF.
            if (_isAfterCr && _buffer[_next] == '\n')
                _next++;

            _isAfterCr = false;

            var fresh = _buffer.AsSpan(_next, _end - _next);
            var lineEnd = fresh.IndexOfAny((byte)'\r', (byte)'\n');
            var length = lineEnd < 0 ? fresh.Length : lineEnd;

            fresh[..length].CopyTo(_buffer.AsSpan(_write));
            _next += length;
            _write += length;

            if (lineEnd < 0)
                return null;

            _isAfterCr = _buffer[_next++] == '\r';
            if (EndLine() && EndBlock() is { } complete)
                return complete;
        }
        return null;
    }

    /// <returns>True for the empty line that ends a block.</returns>
    private bool EndLine()
    {
        var line = _buffer.AsSpan(_line, _write - _line);
        // Only data stays: heartbeats without an empty line would fill the buffer.
        _write = _line;

        if (!_isPastFirstLine && line.StartsWith(Bom))
            line = line[Bom.Length..];

        _isPastFirstLine = true;

        // A comment is a field without a name.
        var colon = line.IndexOf((byte)':');
        var name = colon < 0 ? line : line[..colon];

        var value = colon < 0 ? default : line[(colon + 1)..];
        if (value.StartsWith((byte)' '))
            value = value[1..];

        if (name.SequenceEqual("data"u8))
        {
            value.CopyTo(_buffer.AsSpan(_line));
            _write = _line + value.Length;
            _buffer[_write++] = (byte)'\n';
            _line = _write;
        }
        else if (name.SequenceEqual("event"u8))
            _type = value.IsEmpty ? null : Encoding.UTF8.GetString(value);
        else if (name.SequenceEqual("id"u8) && !value.Contains((byte)0))
            _id = Encoding.UTF8.GetString(value);
        else if (name.SequenceEqual("retry"u8))
            _retry = Milliseconds(value) ?? _retry;

        return line.IsEmpty;
    }

    /// <summary>Returns the block's event, or null for a block without data.</summary>
    private SseEvent? EndBlock()
    {
        cursor.LastEventId = _id ?? cursor.LastEventId;
        cursor.Retry = _retry ?? cursor.Retry;
        var complete =
            _line == 0
                ? null
                : new SseEvent(_type ?? "message", cursor.LastEventId, _buffer.AsSpan(0, _line - 1).ToArray());

        _line = 0;
        _write = 0;
        _type = null;
        _id = null;
        _retry = null;

        return complete;
    }

    // ASCII digits and nothing else; more than fit are the longest time.
    private static TimeSpan? Milliseconds(ReadOnlySpan<byte> digits) =>
        digits.IsEmpty || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')
            ? null
            : TimeSpan.FromMilliseconds(
                Utf8Parser.TryParse(digits, out uint milliseconds, out _) ? milliseconds : uint.MaxValue
            );

    private void Resize(int size)
    {
        var next = ArrayPool<byte>.Shared.Rent(size);
        _buffer.AsSpan(0, _write).CopyTo(next);
        Return();
        _buffer = next;
    }

    private void Return()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
    }

    public void Dispose()
    {
        Return();
        _buffer = [];
        _line = 0;
        _write = 0;
        _next = 0;
        _end = 0;
    }
}
