using EventStore;
using Streaming.Frames;

namespace Streaming.Fanout;

/// <summary>One event as it is sent to the connections of a filter.</summary>
/// <param name="Bytes">The whole frame, which all filters of the format share; never modified. Empty if a function of
/// the application forms the event for each stream.</param>
/// <param name="CommittedAt">UTC ticks.</param>
/// <param name="Key">The key by which <c>slow=latest</c> keeps only the newest event: the event's key, else its
/// topic.</param>
/// <param name="Epoch">The epoch of the frame's id. A ring may also hold frames of the next epoch, which continues this
/// one.</param>
/// <param name="Record">The event, if it is not framed yet.</param>
internal sealed record LogFrame(
    long Position,
    byte[] Bytes,
    long CommittedAt,
    string Key,
    bool Ends = false,
    string Epoch = "",
    EventRecord? Record = null
)
{
    /// <summary>Bytes that count against budgets.</summary>
    public int Size => Record is null ? Bytes.Length : Record.Data.Length;

    public static LogFrame Of(string epoch, EventRecord record, FrameFormat format)
    {
        var isShown = format.IsShown;
        return new(
            record.Position,
            isShown ? [] : format.Frame(epoch, record),
            record.Time.UtcTicks,
            record.Key ?? record.Topic,
            format.Ends(record),
            epoch,
            isShown ? record : null
        );
    }
}

/// <summary>The state of a filter ring that belongs to one writer loop.</summary>
internal struct LoopUse
{
    /// <summary>Number of the loop's connections on the ring. The feed wakes only loops that have some.</summary>
    public int Users;

    /// <summary>1 while the ring is on the loop's list of grown rings.</summary>
    public int IsListed;

    /// <summary>The last round of <see cref="Connections.WriteRounds"/> that wrote the ring. Only the loop uses this
    /// number.</summary>
    public long Round;
}

/// <summary>The newest frames of one filter: a bounded ring that the feed writes and the writer loops read. A cursor is
/// a sequence number, which counts appended frames; an emptied ring skips one number.</summary>
/// <remarks>There may be as many filters as connections, so a ring has eight frames per connection, at least 1,024, and
/// a quiet ring keeps only the eight.</remarks>
internal sealed class FilterRing(StreamFilter filter, int maxFrames, int maxBytes)
{
    /// <summary>The sequence number of a cursor without a place in the ring.</summary>
    public const long NoPlace = -1;

    private const int MinCapacity = 4,
        FramesPerUser = 8,
        // A page of the log for one connection: 8 kB of references, until the ring is quiet.
        FewestFrames = 1_024;

    private readonly Lock _gate = new();
    private LogFrame?[] _ring = [];
    private long _first;
    private long _next;
    private long _bytes;
    private long _base;
    private long _trimmedAt;
    private Lineage _lineage = Lineage.Alone("");

    public StreamFilter Filter => filter;

    /// <summary>Connections on it or about to join; guarded by the lock of <see cref="FilterRingRegistry"/>.</summary>
    public int Users;
    public long IdleSince;

    /// <summary>Number of the last look-up that found this ring. The same lock guards it and
    /// <see cref="LastBatch"/>.</summary>
    public long LastLookUp;

    /// <summary>Number of the last batch that appended here.</summary>
    public long LastBatch;

    /// <summary>The least number of connections, over all filters, that get an event of the last batch appended
    /// here.</summary>
    public int Audience;

    public LoopUse[] Loops { get; init; } = new LoopUse[1];

    public int Capacity
    {
        get
        {
            lock (_gate)
                return _ring.Length;
        }
    }

    /// <summary>Sequence number of the next frame. A connection that has reached it has caught up.</summary>
    public long Next => Volatile.Read(ref _next);

    public Lineage Lineage => Volatile.Read(ref _lineage);

    public string Epoch => Lineage.Epoch;

    /// <summary>Empties the ring. It will hold every match after <paramref name="position"/>.</summary>
    public void Reset(Lineage lineage, long position)
    {
        lock (_gate)
        {
            if (Epoch.Length > 0)
                Empty(position);
            _base = position;
            Volatile.Write(ref _lineage, lineage);
        }
    }

    /// <summary>Continues in an epoch that shares every position so far. The frames in the ring stay valid.</summary>
    public void Continue(Lineage lineage) => Volatile.Write(ref _lineage, lineage);

    /// <summary>Empties the ring after an event that the ring lacks. Connections before that event are fed from the
    /// store.</summary>
    public void Skip(long position)
    {
        lock (_gate)
            Empty(position);
    }

    /// <summary>Empties the ring if it has a frame through the position, and returns whether it had one. A connection
    /// that had caught up stays; others are fed from the store.</summary>
    public bool Forget(long through)
    {
        lock (_gate)
        {
            if (_next == _first || At(_first).Position > through)
                return false;
            Empty(At(_next - 1).Position);
            return true;
        }
    }

    private void Empty(long position)
    {
        _ring = [];
        // Skips one number, so that a connection that had caught up notices the gap.
        _first = _next + 1;
        _bytes = 0;
        _base = position;
        Volatile.Write(ref _next, _first);
    }

    /// <param name="floor">Position through which frames are dropped, because all rings together have a limit.</param>
    public void Append(LogFrame frame, long floor = -1)
    {
        lock (_gate)
        {
            var most = Math.Min(maxFrames, Math.Max(FewestFrames, FramesPerUser * Volatile.Read(ref Users)));
            while (
                _next > _first
                && (_next - _first >= most || _bytes + frame.Size > maxBytes || At(_first).Position <= floor)
            )
                DropOldest();

            if (_next - _first == _ring.Length)
                Resize(Math.Max(MinCapacity, _ring.Length * 2));

            _ring[_next & (_ring.Length - 1)] = frame;
            _bytes += frame.Size;
            Volatile.Write(ref _next, _next + 1);
        }
    }

    /// <summary>Finds the frame after <paramref name="position"/>. Returns false if it has left the ring.</summary>
    /// <param name="settled"><see cref="FilterRingRegistry.Settled"/>, read before this call: the ring holds every
    /// match up to it. A later value would cover events that the client may already have.</param>
    /// <param name="sequence">The number of the next frame; <see cref="NoPlace"/> while the client is ahead of this
    /// replica.</param>
    public bool TrySeek(long position, long settled, out long sequence)
    {
        lock (_gate)
        {
            sequence = NoPlace;
            if (position < _base)
                return false;
            if (position > settled)
                return true;

            long low = _first,
                high = _next;
            while (low < high)
            {
                var middle = low + (high - low) / 2;
                if (At(middle).Position <= position)
                    low = middle + 1;
                else
                    high = middle;
            }

            sequence = low;
            return true;
        }
    }

    /// <summary>Returns all frames from <paramref name="sequence"/> on; empty if that has left the ring.</summary>
    public LogFrame[] ReadAll(long sequence)
    {
        lock (_gate)
        {
            if (sequence < _first)
                return [];
            var frames = new LogFrame[_next - sequence];
            for (var i = 0; i < frames.Length; i++)
                frames[i] = At(sequence + i);
            return frames;
        }
    }

    /// <summary>Copies frames, and returns their number, or null if the frames at the sequence number have left the
    /// ring.</summary>
    public int? Read(long sequence, Span<LogFrame> into, int maxBytes)
    {
        lock (_gate)
        {
            if (sequence < _first)
                return null;

            var number = 0;
            for (var bytes = 0; sequence + number < _next && number < into.Length; number++)
            {
                var frame = At(sequence + number);
                if (number > 0 && bytes + frame.Size > maxBytes)
                    break;
                bytes += frame.Size;
                into[number] = frame;
            }

            return number;
        }
    }

    /// <summary>Drops frames through the floor, and frames from before the last call, of which a few per connection
    /// stay.</summary>
    public void Trim(long floor)
    {
        lock (_gate)
        {
            var few = FramesPerUser * Math.Max(1L, Volatile.Read(ref Users));
            var from = Math.Min(_trimmedAt, _next - few);
            while (_next > _first && (_first < from || At(_first).Position <= floor))
                DropOldest();

            _trimmedAt = _next;

            var size = _ring.Length;
            while (size > MinCapacity && _next - _first <= size / 2)
                size /= 2;
            if (size < _ring.Length)
                Resize(size);
        }
    }

    private LogFrame At(long sequence) => _ring[sequence & (_ring.Length - 1)]!;

    private void DropOldest()
    {
        ref var oldest = ref _ring[_first++ & (_ring.Length - 1)];
        _base = oldest!.Position;
        _bytes -= oldest.Size;
        oldest = null;
    }

    private void Resize(int size)
    {
        var ring = new LogFrame?[size];
        for (var s = _first; s < _next; s++)
            ring[s & (size - 1)] = At(s);
        _ring = ring;
    }
}
