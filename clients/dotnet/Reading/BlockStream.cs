using System.Buffers;
using System.Runtime.CompilerServices;

namespace AspireSse.Client.Reading;

/// <summary>
/// Gives the parser whole blocks only (lines up to and with their empty line), every line ended by LF. <see cref="System.Net.ServerSentEvents.SseParser"/>
/// takes over the id of a block that the end of the stream cuts off, waits for the byte after a CR before it dispatches, and keeps the type
/// of a block without data for the next one; HTML Living Standard §9.2.6 has it otherwise:
/// <code>
/// data: a\r\rid: 2\nda         →  data: a\n\n      and at the end the rest is dropped
/// event: x\nid: 1\n\ndata: b…  →  :vent: x\nid: 1\n\ndata: b…
/// </code>
/// Reading is pulled: nothing is read ahead of what the parser asks for, but what one read of the socket brings.
/// </summary>
internal sealed class BlockStream(Stream source, IdleWatch? watch, int maxBlock) : ReadOnlyStream
{
    private const int InitialSize = 1_024;
    private static ReadOnlySpan<byte> Bom => [0xEF, 0xBB, 0xBF];

    private byte[] _buffer = [];
    // [_start, _ready) is whole blocks, [_ready, _end) the one that is coming in, [_line, _end) its last line.
    private int _start, _ready, _line, _end;
    private bool _afterCr, _pastFirstLine, _sawData, _sawEvent, _sawId;

    /// <summary>A block that has come in whole had an <c>id</c>, be it an empty one.</summary>
    public bool SawId { get; private set; }

    /// <summary>Called when the parser has read all that it was given, which always ends with a block.</summary>
    public Action? Consumed { get; set; }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_start == _ready) Consumed?.Invoke();
        while (_start == _ready)
        {
            MakeRoom();
            int read;
            watch?.Begin();
            try { read = await source.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false); }
            finally { watch?.Pause(); }
            if (read == 0) return 0;
            Take(read);
        }
        var length = Math.Min(buffer.Length, _ready - _start);
        _buffer.AsSpan(_start, length).CopyTo(buffer.Span);
        _start += length;
        return length;
    }

    private void MakeRoom()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _ready, _line, _end) = (0, _ready - _start, _line - _start, _end - _start);
        }
        if (_end == 0 && _buffer.Length > 16 * InitialSize) Resize(InitialSize);     // one large event must not cost its memory for good
        if (_end >= maxBlock) throw new SseException(SseError.EventTooLarge, $"An event is larger than {maxBlock} bytes (SseOptions.MaxEventBytes).");
        if (_end < _buffer.Length) return;
        Resize(Math.Max(InitialSize, Math.Min(_buffer.Length * 2, maxBlock)));
    }

    private void Resize(int size)
    {
        var next = ArrayPool<byte>.Shared.Rent(size);
        _buffer.AsSpan(0, _end).CopyTo(next);
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = next;
    }

    private void Take(int count)
    {
        int from = _end, until = _end + count;
        if (_afterCr && _buffer[from] == '\n') from++;
        _afterCr = false;
        while (from < until)
        {
            var fresh = _buffer.AsSpan(from, until - from);
            var lineEnd = fresh.IndexOfAny((byte)'\r', (byte)'\n');
            var length = lineEnd < 0 ? fresh.Length : lineEnd;
            if (from != _end) fresh[..length].CopyTo(_buffer.AsSpan(_end));
            (from, _end) = (from + length, _end + length);
            if (lineEnd < 0) break;
            var cr = _buffer[from++] == '\r';
            if (cr && from == until) _afterCr = true;
            else if (cr && _buffer[from] == '\n') from++;
            EndLine();
        }
    }

    private void EndLine()
    {
        var line = _buffer.AsSpan(_line, _end - _line);
        if (!_pastFirstLine && line.StartsWith(Bom)) line = line[3..];
        _pastFirstLine = true;
        _buffer[_end++] = (byte)'\n';
        _line = _end;
        if (line.IsEmpty) EndBlock();
        else if (IsField(line, "data"u8)) _sawData = true;
        else if (IsField(line, "event"u8)) _sawEvent = true;
        else if (IsField(line, "id"u8)) _sawId |= !line.Contains((byte)0);
    }

    private void EndBlock()
    {
        if (_sawEvent && !_sawData) DropTypes(_buffer.AsSpan(_ready, _end - _ready));
        SawId |= _sawId;
        _sawData = _sawEvent = false;
        _ready = _end;
    }

    /// <summary>A block without data dispatches nothing, and its type ends with it: the lines become comments.</summary>
    private static void DropTypes(Span<byte> block)
    {
        if (block.StartsWith(Bom)) block = block[3..];
        while (!block.IsEmpty)
        {
            var length = block.IndexOf((byte)'\n');
            if (IsField(block[..length], "event"u8)) block[0] = (byte)':';
            block = block[(length + 1)..];
        }
    }

    private static bool IsField(ReadOnlySpan<byte> line, ReadOnlySpan<byte> name) =>
        line.StartsWith(name) && (line.Length == name.Length || line[name.Length] == ':');

    protected override void Dispose(bool disposing)
    {
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        (_start, _ready, _line, _end) = (0, 0, 0, 0);
        base.Dispose(disposing);
    }
}
