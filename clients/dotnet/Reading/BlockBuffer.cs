using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace AspireSse.Client.Reading;

/// <summary>
/// Splits the input into blocks (lines up to their empty line) with LF line ends, so that
/// <see cref="System.Net.ServerSentEvents.SseParser"/> follows HTML Living Standard §9.2.6. It alone would keep the
/// id of an incomplete block, wait for the byte after a CR, and carry a type without data over to the next block.
/// <code>
/// data: a\r\rid: 2\nda             →  data: a\n\n      and at the end the rest is dropped
/// event: x\nid: 1\n\ndata: b\n\n   →  data: b\n\n      and before it the id, 1
/// </code>
/// </summary>
internal sealed class BlockBuffer(int maxBlock) : IDisposable
{
    private const int InitialSize = 1_024;
    private static ReadOnlySpan<byte> Bom => [0xEF, 0xBB, 0xBF];

    private byte[] _buffer = [];

    // [_block, _write): the incomplete block; [_line, _write): its last line; [_next, _end): bytes not yet scanned.
    private int _block;
    private int _line;
    private int _write;
    private int _next;
    private int _end;
    private bool _afterCr;
    private bool _pastFirstLine;
    private bool _hasData;

    // The value of the block's id, relative to _block; _idLength is -1 without one.
    private int _idAt;
    private int _idLength = -1;
    private TimeSpan? _retry;

    /// <summary>The <c>id</c> of the last block taken if it has no data; null otherwise.</summary>
    public string? Id { get; private set; }

    /// <summary>The <c>retry</c> of the last block taken; null if it has no valid one.</summary>
    public TimeSpan? Retry { get; private set; }

    /// <summary>Returns free space for the next read. Call it after <see cref="TryTake"/> has returned false.</summary>
    public Memory<byte> Room()
    {
        var length = _write - _block;
        if (_block > 0)
        {
            _buffer.AsSpan(_block, length).CopyTo(_buffer);
            _line -= _block;
            _block = 0;
            _write = length;
        }
        if (length == 0 && _buffer.Length > 16 * InitialSize)
            Resize(InitialSize); // release the memory of a large event
        if (length >= maxBlock)
            throw new SseException(
                SseError.EventTooLarge,
                $"An event is larger than {maxBlock} bytes (SseOptions.MaxEventBytes)."
            );
        if (length == _buffer.Length)
            Resize(Math.Max(InitialSize, Math.Min(_buffer.Length * 2, maxBlock)));
        return _buffer.AsMemory(_write);
    }

    /// <summary>Adds bytes that were read into <see cref="Room"/>.</summary>
    public void Add(int count) => (_next, _end) = (_write, _write + count);

    /// <summary>Takes the next complete block; returns false if there is none.</summary>
    /// <param name="block">The bytes of a block with data, which dispatches an event; valid until the next
    /// call.</param>
    public bool TryTake(out ReadOnlyMemory<byte> block)
    {
        block = default;
        while (_next < _end)
        {
            if (_afterCr && _buffer[_next] == '\n')
                _next++;
            _afterCr = false;
            var fresh = _buffer.AsSpan(_next, _end - _next);
            var lineEnd = fresh.IndexOfAny((byte)'\r', (byte)'\n');
            var length = lineEnd < 0 ? fresh.Length : lineEnd;
            // The positions differ after a CR LF became a LF.
            if (_next != _write)
                fresh[..length].CopyTo(_buffer.AsSpan(_write));
            _next += length;
            _write += length;
            if (lineEnd < 0)
                return false;
            _afterCr = _buffer[_next++] == '\r';
            if (!EndLine())
                continue;
            if (_hasData)
                block = _buffer.AsMemory(_block, _write - _block);
            Id = _hasData || _idLength < 0 ? null : Encoding.UTF8.GetString(_buffer, _block + _idAt, _idLength);
            Retry = _retry;
            _block = _write;
            _hasData = false;
            _idLength = -1;
            _retry = null;
            return true;
        }
        return false;
    }

    /// <returns>True for the empty line that ends a block.</returns>
    private bool EndLine()
    {
        var line = _buffer.AsSpan(_line, _write - _line);
        _buffer[_write++] = (byte)'\n';
        if (!_pastFirstLine && line.StartsWith(Bom))
        {
            _block += Bom.Length;
            line = line[Bom.Length..];
        }
        _pastFirstLine = true;
        // Not a field name here, but the parser would skip it at the start of its input.
        if (line.StartsWith(Bom))
            line[0] = (byte)':';
        if (line.StartsWith((byte)':'))
        {
            // A comment is dropped at once: heartbeats without an empty line would fill the block.
            _line = _write = Math.Max(_line, _block);
            return false;
        }
        if (IsField(line, "data"u8, out var value))
            _hasData = true;
        else if (IsField(line, "id"u8, out value) && !value.Contains((byte)0))
        {
            _idAt = _write - 1 - value.Length - _block;
            _idLength = value.Length;
        }
        else if (IsField(line, "retry"u8, out value) && Milliseconds(value) is { } milliseconds)
            _retry = milliseconds;
        _line = _write;
        return line.IsEmpty;
    }

    private static bool IsField(ReadOnlySpan<byte> line, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!line.StartsWith(name))
            return false;
        if (line.Length == name.Length)
            return true;
        if (line[name.Length] != ':')
            return false;
        value = line[(name.Length + 1)..];
        if (value.StartsWith((byte)' '))
            value = value[1..];
        return true;
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
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = next;
    }

    public void Dispose()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _block = 0;
        _line = 0;
        _write = 0;
        _next = 0;
        _end = 0;
    }
}
