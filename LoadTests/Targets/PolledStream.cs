using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace LoadTests.Targets;

/// <summary>A connected socket that <see cref="Poll"/> reads. One read at a time; it continues on the poll's thread, which it must not block.</summary>
internal sealed class PolledStream : Stream, IValueTaskSource<int>
{
    private readonly Socket _socket;
    private readonly int _index;
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<int> _read;
    private Memory<byte> _buffer;
    private bool _waits, _ready, _ends, _closed;

    public PolledStream(Socket socket)
    {
        _socket = socket;
        _socket.Blocking = false;
        _index = Poll.Shared.Watch(this, socket);
    }

    public static bool IsSupported => OperatingSystem.IsLinux();

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    // HttpConnection ends a read that is to be cancelled by disposing of its stream, and gives it no token.
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (_ready && Receive(buffer.Span) is >= 0 and var n) return new(n);
            _ready = false;
            _read.Reset();
            (_buffer, _waits) = (buffer, true);
            return new(this, _read.Version);
        }
    }

    /// <summary>There is something to read, or the end.</summary>
    /// <param name="ends">The peer has closed or the connection is broken: it is not told a second time.</param>
    public void Arrived(bool ends)
    {
        var n = 0;
        IOException? failure = null;
        lock (_gate)
        {
            _ends |= ends;
            if (!_waits) { _ready = true; return; }
            try { n = Receive(_buffer.Span); }
            catch (IOException e) { failure = e; }
            if (n < 0) return;
            (_waits, _buffer) = (false, default);
        }
        if (failure is null) _read.SetResult(n);
        else _read.SetException(failure);
    }

    /// <returns>-1 where nothing is there.</returns>
    private int Receive(Span<byte> buffer)
    {
        var n = _socket.Receive(buffer, SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock) return -1;
        _ready = true;
        if (error != SocketError.Success) throw new IOException($"The connection is broken: {error}.", new SocketException((int)error));
        // Less than there was room for is all: what comes later is told.
        _ready = n == buffer.Length || _ends;
        return n;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (buffer.Length > 0)
        {
            var sent = await _socket.SendAsync(buffer, SocketFlags.None, cancellationToken);
            buffer = buffer[sent..];
        }
    }

    protected override void Dispose(bool disposing)
    {
        bool waits;
        lock (_gate)
        {
            if (_closed) return;
            _closed = true;
            _socket.Dispose();
            (waits, _waits, _buffer) = (_waits, false, default);
        }
        Poll.Shared.Forget(_index);
        // Not here: whoever closes need not expect what the reader does then.
        if (waits) ThreadPool.UnsafeQueueUserWorkItem(static stream => stream._read.SetException(new IOException("The connection was closed.")), this, preferLocal: false);
        base.Dispose(disposing);
    }

    int IValueTaskSource<int>.GetResult(short token) => _read.GetResult(token);
    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _read.GetStatus(token);
    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _read.OnCompleted(continuation, state, token, flags);

    public override void Flush() { }
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
}
