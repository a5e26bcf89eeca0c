using System.Buffers.Text;
using System.Text;

namespace Benchmarks.Client;

/// <summary>Scans one response: head, chunked or plain body, and the event stream's lines <c>data:</c> (a
/// number and a time), <c>id:</c> (a position, if any) and blank. Input may be split anywhere.</summary>
/// <param name="expect">The highest event number, starting at 1; duplicates are detected up to it.</param>
internal sealed class EventScanner(long expect, Action<long> received)
{
    private enum At
    {
        Head,
        ChunkSize,
        Chunk,
        ChunkEnd,
        Plain,
        End,
    }

    private At _at;
    private bool _chunked;
    private bool _hasData;
    private int _status;
    private int _carried;
    private long _left;
    private long _number;
    private long _time;
    private long _position;
    private long _lastPosition;
    private readonly ulong[] _seen = new ulong[expect / 64 + 1];
    private byte[] _carry = [];

    /// <summary>The status of the response; 0 until its head has arrived.</summary>
    public int Status => _at == At.Head ? 0 : _status;
    public long Events { get; private set; }

    /// <summary>Events received twice or at a position before an earlier one. Their
    /// numbers may be out of order, because publishers run in parallel.</summary>
    public long Wrong { get; private set; }

    public void Read(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            switch (_at)
            {
                case At.Head:
                    if (!TakeLine(ref bytes, out var text))
                        return;

                    Head(Encoding.ASCII.GetString(text).TrimEnd('\r'));
                    break;
                case At.ChunkSize:
                    if (bytes[0] == '\n')
                        _at = _left > 0 ? At.Chunk : At.End;
                    else if (Hex(bytes[0]) is >= 0 and var digit)
                        _left = _left * 16 + digit;

                    bytes = bytes[1..];
                    break;
                case At.Chunk:
                    var part = bytes[..(int)Math.Min(_left, bytes.Length)];
                    bytes = bytes[part.Length..];
                    Lines(part);
                    if ((_left -= part.Length) == 0)
                        _at = At.ChunkEnd;

                    break;
                case At.ChunkEnd:
                    if (bytes[0] == '\n')
                        _at = At.ChunkSize;

                    bytes = bytes[1..];
                    break;
                case At.Plain:
                    Lines(bytes);
                    return;
                default:
                    return;
            }
    }

    private void Head(string line)
    {
        if (line.StartsWith("HTTP/1.1 ", StringComparison.Ordinal))
            _status = int.Parse(line.AsSpan(9, 3), provider: null);
        else if (line.StartsWith("Transfer-Encoding:", StringComparison.OrdinalIgnoreCase))
            _chunked = line.Contains("chunked", StringComparison.OrdinalIgnoreCase);
        else if (line.Length == 0)
            _at = _chunked ? At.ChunkSize : At.Plain;
    }

    private void Lines(ReadOnlySpan<byte> bytes)
    {
        while (TakeLine(ref bytes, out var line))
        {
            if (line.IsEmpty || (line.Length == 1 && line[0] == '\r'))
                Dispatch();
            else if (line.StartsWith("data:"u8) && Wire.TryReadEvent(line[5..], out _number, out _time))
                _hasData = true;
            // id: 0b1c…-17
            else if (
                line.StartsWith("id:"u8)
                && line.LastIndexOf((byte)'-') is > 0 and var dash
                && Utf8Parser.TryParse(line[(dash + 1)..], out long position, out int _)
            )
                _position = position;
        }
    }

    private void Dispatch()
    {
        if (!_hasData)
            return;

        _hasData = false;
        ref var word = ref _seen[Math.Clamp(_number, 0, expect) / 64];
        var twice = expect > 0 && (word & 1UL << (int)(_number % 64)) != 0;

        word |= 1UL << (int)(_number % 64);

        if (twice || _position < _lastPosition)
            Wrong++;

        _lastPosition = _position;

        if (!twice)
            Events++;

        received(_time);
    }

    /// <summary>Takes the next line, joined with the rest of an earlier read.
    /// Returns false and keeps the bytes while the line is incomplete.</summary>
    private bool TakeLine(ref ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> line)
    {
        var end = bytes.IndexOf((byte)'\n');
        line = end < 0 ? bytes : bytes[..end];

        if (end < 0 || _carried > 0)
            Carry(line);

        bytes = end < 0 ? default : bytes[(end + 1)..];
        if (end < 0)
            return false;

        if (_carried > 0)
            line = _carry.AsSpan(0, _carried);

        _carried = 0;
        return true;
    }

    private void Carry(ReadOnlySpan<byte> bytes)
    {
        if (_carry.Length < _carried + bytes.Length)
            Array.Resize(ref _carry, 2 * (_carried + bytes.Length));
        bytes.CopyTo(_carry.AsSpan(_carried));
        _carried += bytes.Length;
    }

    private static int Hex(byte value) =>
        value switch
        {
            >= (byte)'0' and <= (byte)'9' => value - '0',
            >= (byte)'a' and <= (byte)'f' => value - 'a' + 10,
            >= (byte)'A' and <= (byte)'F' => value - 'A' + 10,
            _ => -1,
        };
}
