using Streaming.Fanout;
using Streaming.Metrics;

namespace Streaming.Connections;

/// <summary>
/// Frames batched into one write, reused for every connection at the same sequence number. The payload has room before
/// and after for the head and end of a <see cref="Chunk"/>, so that one copy serves both framings.
/// </summary>
internal sealed class WriteBatch(int maxBytes)
{
    private const int Room = Chunk.MaxHead;
    private const int MaxFrames = 512;

    /// <summary>
    /// Time for which the latency buckets of a batch are reused. Buckets are wider than this, except below a twentieth
    /// of a millisecond.
    /// </summary>
    private const long BucketLifetimeTicks = 50 * TimeSpan.TicksPerMicrosecond;

    private LogFrame[] _frames = new LogFrame[MaxFrames];
    private LogFrame[] _read = new LogFrame[MaxFrames];
    private readonly int[] _buckets = new int[MaxFrames];
    private readonly int[] _bucketsOfOne = new int[MaxFrames];
    private byte[] _buffer = new byte[Room + maxBytes + Chunk.End.Length];
    private int _length;
    private int _chunkStart;
    private int _copied;
    private FilterRing? _ring;
    private PendingWrite? _pending;
    private long _from;
    private long _bucketsAt;

    /// <summary>Number of frames in the batch.</summary>
    public int Count { get; private set; }
    public long LastPosition => _frames[Count - 1].Position;

    /// <summary>The epoch of the last frame's id.</summary>
    public string LastEpoch => _frames[Count - 1].Epoch;

    /// <summary>True if the stream ends with the last frame of the batch.</summary>
    public bool Ends => _frames[Count - 1].Ends;

    /// <summary>
    /// Returns the latency bucket of each frame for a write at this time. Connections share a batch one after the
    /// other: with thousands, the last write is tens of milliseconds after the first.
    /// </summary>
    /// <param name="nowTicks">UTC ticks of the clock that stamps the events.</param>
    /// <param name="connectedTicks">Time of the connect: earlier events have waited for the connection only since
    /// then.</param>
    public ReadOnlySpan<int> BucketsAt(long nowTicks, long connectedTicks)
    {
        if (connectedTicks > _frames[0].CommittedAt)
            return Fill(_bucketsOfOne, nowTicks, connectedTicks);
        if (Math.Abs(nowTicks - _bucketsAt) < BucketLifetimeTicks)
            return _buckets.AsSpan(0, Count);
        _bucketsAt = nowTicks;
        return Fill(_buckets, nowTicks, connectedTicks);
    }

    private Span<int> Fill(int[] buckets, long nowTicks, long connectedTicks)
    {
        for (var i = 0; i < Count; i++)
            buckets[i] = LatencyBuckets.BucketOf(
                (nowTicks - Math.Max(_frames[i].CommittedAt, connectedTicks)) / TimeSpan.TicksPerMicrosecond
            );
        return buckets.AsSpan(0, Count);
    }

    public int Length => _length;

    public ReadOnlyMemory<byte> Bytes(bool chunked) =>
        chunked
            ? _buffer.AsMemory(_chunkStart, Room - _chunkStart + _length + Chunk.End.Length)
            : _buffer.AsMemory(Room, _length);

    /// <summary>
    /// Returns the chunk to keep, which all connections share that do not take it at once, or null if the batch is from
    /// a store page.
    /// </summary>
    public PendingWrite? Pending()
    {
        if (_ring is null)
            return null;

        if (_pending is null)
        {
            var bytes = Bytes(chunked: true).ToArray();
            _pending = new PendingWrite(bytes, bytes.Length);
        }

        return _pending;
    }

    /// <summary>Returns the frames as a page, which does not change with the batch.</summary>
    public ReplayPage ToPage() => new(LastEpoch, 0, _frames.AsSpan(0, Count).ToArray(), LastPosition);

    /// <summary>Empties the batch, so that the next one includes newer frames.</summary>
    public void Clear()
    {
        _ring = null;
        Count = 0;
    }

    /// <summary>
    /// Takes frames of the ring from <paramref name="sequence"/> on. Returns their number, 0 at the end, or null if
    /// they have left the ring.
    /// </summary>
    public int? Take(FilterRing ring, long sequence)
    {
        if (ReferenceEquals(_ring, ring) && _from == sequence && Count > 0)
            return Count;
        if (sequence == ring.Next)
            return 0;

        if (ring.Read(sequence, _read, maxBytes) is not { } number)
            return null;
        if (number == 0)
            return 0;

        _ring = ring;
        _from = sequence;

        // Filters that share a topic share its frames: if the last batch had the same frames, its bytes are reused.
        if (
            number == _copied
            && _read.AsSpan(0, number).SequenceEqual(_frames.AsSpan(0, number), ReferenceEqualityComparer.Instance)
        )
            return Count = number;

        (_frames, _read) = (_read, _frames);
        return Copy(number);
    }

    /// <summary>Takes frames of a store page from <paramref name="index"/> on. The batch is not reused.</summary>
    public int Take(IReadOnlyList<LogFrame> page, int index, int mostBytes)
    {
        _ring = null;
        var number = 0;
        for (var bytes = 0; index + number < page.Count && number < MaxFrames; number++)
        {
            var frame = page[index + number];
            if (number > 0 && bytes + frame.Size > mostBytes)
                break;
            bytes += frame.Size;
            _frames[number] = frame;
        }

        return Copy(number);
    }

    private int Copy(int count)
    {
        ReadOnlySpan<LogFrame> frames = _frames.AsSpan(0, count);
        var length = 0;
        for (var i = 0; i < frames.Length; i++)
        {
            length += frames[i].Bytes.Length;
            if (frames[i].Ends)
                frames = frames[..(i + 1)];
        }

        Reserve(length);
        var at = Room;

        for (var i = 0; i < frames.Length; i++)
        {
            frames[i].Bytes.CopyTo(_buffer, at);
            at += frames[i].Bytes.Length;
        }

        Seal(length);
        _bucketsAt = long.MinValue / 2;
        _pending = null;

        return Count = _copied = frames.Length;
    }

    private void Reserve(int length)
    {
        if (_buffer.Length < Room + length + Chunk.End.Length)
            _buffer = new byte[Room + length + Chunk.End.Length];
        else if (_buffer.Length > 4 * (Room + maxBytes + Chunk.End.Length) && length <= maxBytes)
            _buffer = new byte[Room + maxBytes + Chunk.End.Length];
    }

    private void Seal(int length)
    {
        _length = length;
        Span<byte> head = stackalloc byte[Room];
        var written = Chunk.WriteHead(head, length);
        _chunkStart = Room - written;
        head[..written].CopyTo(_buffer.AsSpan(_chunkStart));
        Chunk.End.CopyTo(_buffer.AsSpan(Room + length));
    }
}
