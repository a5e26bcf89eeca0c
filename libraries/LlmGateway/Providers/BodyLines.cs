using System.Buffers;
using System.Runtime.CompilerServices;

namespace LlmGateway.Providers;

/// <summary>
/// The lines of a provider's answer, which end at CR, LF or CRLF, with limits of the answer and of each event (HTML
/// Living Standard §9.2.6). A byte order mark and white space before the first line are skipped.
/// </summary>
/// <param name="read">Reads the next bytes. It returns 0 at the end.</param>
/// <param name="provider">The provider, which has the limit of an answer.</param>
internal sealed class BodyLines(Func<Memory<byte>, ValueTask<int>> read, ModelProvider provider)
{
    /// <summary>
    /// Longest event, in bytes. An event becomes a part of the client's next request, which has at most this length
    /// (<see cref="LlmOptions.MaxRequestBytes"/> by default).
    /// </summary>
    private const int MaxEventBytes = 4 * 1024 * 1024;

    private static readonly SearchValues<byte> Blank = SearchValues.Create(" \t\r\n\ufeff"u8);

    private byte[] _buffer = new byte[4 * 1024];
    private int _start;
    private int _end;

    /// <summary>Bytes of the rest that have no line end.</summary>
    private int _searched;

    private long _bytes;
    private int _eventBytes;
    private bool _followsCr;

    private ReadOnlySpan<byte> Rest => _buffer.AsSpan(_start.._end);

    /// <summary>Returns the first byte that is not white space, or null if there is none.</summary>
    public async ValueTask<byte?> FirstAsync()
    {
        do
        {
            var at = Rest.IndexOfAnyExcept(Blank);
            _start += at < 0 ? Rest.Length : at;
            if (at >= 0)
                return _buffer[_start];
        } while (await FillAsync());

        return null;
    }

    /// <summary>Returns the next line without its end, or null after the last line. The line is valid until the next
    /// read.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ReadOnlyMemory<byte>?> NextAsync()
    {
        while (true)
        {
            if (_followsCr && Rest.Length > 0)
            {
                _start += Rest[0] == '\n' ? 1 : 0;
                _followsCr = false;
            }

            var at = Rest[_searched..].IndexOfAny((byte)'\r', (byte)'\n');
            if (at >= 0)
            {
                _followsCr = Rest[_searched + at] == '\r';
                return Take(_searched + at, end: 1);
            }

            _searched = Rest.Length;
            if (await FillAsync())
                continue;
            if (Rest.Length == 0)
                return null;
            // Some servers end without the end of the last line.
            return Take(Rest.Length);
        }
    }

    /// <summary>Returns the rest of the answer.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> RestAsync()
    {
        while (await FillAsync()) { }
        return Take(Rest.Length);
    }

    private ReadOnlyMemory<byte> Take(int length, int end = 0)
    {
        var line = _buffer.AsMemory(_start, length);
        // An empty line ends an event.
        _eventBytes = length == 0 ? 0 : _eventBytes + length + end;
        _start += length + end;
        _searched = 0;
        return line;
    }

    /// <summary>Reads more bytes, and returns false at the end of the answer.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> FillAsync()
    {
        if (_eventBytes + Rest.Length > MaxEventBytes)
            throw ModelProvider.TooLarge($"{provider.Name} sent an event of more than {MaxEventBytes} bytes.");

        if (_end == _buffer.Length)
        {
            var buffer = Rest.Length > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
            Rest.CopyTo(buffer);
            _end = Rest.Length;
            _start = 0;
            _buffer = buffer;
        }

        var count = await read(_buffer.AsMemory(_end));
        _end += count;
        _bytes += count;
        return _bytes <= provider.Options.MaxAnswerBytes ? count > 0 : throw provider.TooLarge();
    }
}
