using System.Buffers;

namespace Streaming.Requests;

/// <summary>A reusable buffer of pooled memory. Dispose it when no one reads <see cref="Written"/> any more.</summary>
internal sealed class PooledBuffer : IBufferWriter<byte>, IDisposable
{
    private const int MinBytes = 4 * 1024;

    /// <summary>A pool that keeps at most 16 MB. The shared pool would keep 64 MB of arrays on two processors, for a
    /// minute.</summary>
    private static readonly ArrayPool<byte> Pool = ArrayPool<byte>.Create(1024 * 1024, 8);

    private byte[] _bytes = [];
    private int _length;

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    /// <summary>Bytes of memory in use.</summary>
    public int Capacity => _bytes.Length;

    public void Advance(int count) => _length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _bytes.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _bytes.AsSpan(_length);
    }

    public void Clear() => _length = 0;

    public void Dispose()
    {
        if (_bytes.Length > 0)
            Pool.Return(_bytes);
        _bytes = [];
        _length = 0;
    }

    private void Grow(int sizeHint)
    {
        var room = Math.Max(sizeHint, 1);
        if (_bytes.Length - _length >= room)
            return;

        var grown = Pool.Rent(Math.Max(MinBytes, Math.Max(2 * _bytes.Length, _length + room)));
        Written.Span.CopyTo(grown);
        var length = _length;

        Dispose();
        _bytes = grown;
        _length = length;
    }
}
