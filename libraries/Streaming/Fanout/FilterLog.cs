using EventStore;
using Streaming.Frames;

namespace Streaming.Fanout;

/// <summary>One event as the connections of a filter send it.</summary>
/// <param name="Position">Its position in the log.</param>
/// <param name="Bytes">The whole frame; shared by all filters of the form, never written to.</param>
/// <param name="CommittedAt">UTC ticks of the commit.</param>
/// <param name="Key">What a reader that skips to the newest keeps the last of: the event's key, else its topic.</param>
/// <param name="Ends">The stream ends after it.</param>
internal sealed record LogFrame(long Position, byte[] Bytes, long CommittedAt, string Key, bool Ends = false)
{
    public static LogFrame Of(EventRecord e, byte[] frame, FrameFormat format) =>
        new(e.Position, frame, e.Time.UtcTicks, e.Key ?? e.Topic, format.Ends(e));
}

/// <summary>What one writer loop has to do with a filter log.</summary>
internal struct LoopUse
{
    /// <summary>Its connections, so that the feed wakes only loops that have some.</summary>
    public int Users;

    /// <summary>1 while the loop has the log on its list of those that have grown.</summary>
    public int IsListed;

    /// <summary>Its connections have read what lies before this; the loop alone writes it.</summary>
    public long ReadThrough;
}

/// <summary>
/// The newest matching frames of one filter, shared by all its connections: a bounded ring that one thread (the feed)
/// appends to and many
/// writer loops read. A connection is a cursor in it, a number. Sequence numbers count the appended frames, without
/// gaps.
/// </summary>
/// <remarks>
/// What all have read is kept for those that return, but only some frames for each connection: there may be as many
/// filters as connections,
/// and who finds too little here is served from the recent events of all topics.
/// </remarks>
internal sealed class FilterLog(StreamFilter filter, int maxFrames, int maxBytes)
{
    private const int LeastSlots = 4,
        ReadFramesPerUser = 8;

    private readonly Lock _gate = new();
    private LogFrame?[] _ring = [];
    private long _first,
        _next,
        _bytes,
        _base;
    private string _epoch = "";

    public StreamFilter Filter => filter;

    /// <summary>Connections on it, and those about to be; guarded by the logs' lock. Kept a while without any, for
    /// those that come back.</summary>
    public int Users;
    public long IdleSince;

    /// <summary>The matcher's marks, guarded by the logs' lock: the last event appended here, and the last batch that
    /// did.</summary>
    public long LastEvent,
        LastBatch;

    public LoopUse[] Loops { get; init; } = new LoopUse[1];

    /// <summary>Room for frames, used or not.</summary>
    public int Slots
    {
        get
        {
            lock (_gate)
                return _ring.Length;
        }
    }

    /// <summary>The sequence number that the next frame gets: who has read up to it is level.</summary>
    public long Next => Volatile.Read(ref _next);

    public string Epoch => Volatile.Read(ref _epoch);

    /// <summary>Starts over, empty: everything that matches after <paramref name="position"/> will be in the
    /// ring.</summary>
    public void Reset(string epoch, long position)
    {
        lock (_gate)
        {
            if (_epoch.Length > 0)
                Empty(position);
            _base = position;
            Volatile.Write(ref _epoch, epoch);
        }
    }

    /// <summary>Starts over after an event that it does not hold: whoever stands before that is fed from the
    /// store.</summary>
    public void Skip(long position)
    {
        lock (_gate)
        {
            Empty(position);
        }
    }

    private void Empty(long position)
    {
        _ring = [];
        // A number that no frame has: who was level sees that he is not.
        _first = _next + 1;
        _bytes = 0;
        _base = position;
        Volatile.Write(ref _next, _first);
    }

    /// <param name="frame">The next frame.</param>
    /// <param name="floor">Frames up to this position are dropped: all rings together have a bound, too.</param>
    public void Append(LogFrame frame, long floor = -1)
    {
        lock (_gate)
        {
            while (
                _next > _first
                && (
                    _next - _first >= maxFrames
                    || _bytes + frame.Bytes.Length > maxBytes
                    || At(_first).Position <= floor
                )
            )
                DropOldest();
            if (_next - _first == _ring.Length)
                MakeRoom();
            _ring[_next & (_ring.Length - 1)] = frame;
            _bytes += frame.Bytes.Length;
            Volatile.Write(ref _next, _next + 1);
        }
    }

    /// <summary>
    /// Where a reader goes on who has everything up to <paramref name="position"/>; -1 where he is ahead of this
    /// replica (he read elsewhere, or from the store),
    /// until the feed has come by. False where that has left the ring.
    /// </summary>
    /// <param name="position">Where he stands.</param>
    /// <param name="settled">
    /// <see cref="FilterLogs.Settled"/>, read before: what it covers is in the ring by now. Read after the seek it
    /// would cover what has come since, which he may
    /// have already.
    /// </param>
    /// <param name="sequence">The number of his next frame.</param>
    public bool TrySeek(long position, long settled, out long sequence)
    {
        lock (_gate)
        {
            sequence = -1;
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

    /// <summary>Whether who reads on from <paramref name="sequence"/> finds it all here; also where he has no place yet
    /// (-1).</summary>
    public bool Holds(long sequence) => sequence < 0 || sequence >= Volatile.Read(ref _first);

    /// <summary>All frames from <paramref name="sequence"/> on; empty where that has left the ring.</summary>
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

    /// <summary>Copies frames from <paramref name="sequence"/> on. Returns their number, 0 at the end, -1 where that
    /// has left the ring.</summary>
    public int Read(long sequence, Span<LogFrame> into, int maxBytes)
    {
        lock (_gate)
        {
            if (sequence < _first)
                return -1;
            var n = 0;
            for (var bytes = 0; sequence + n < _next && n < into.Length; n++)
            {
                var frame = At(sequence + n);
                if (n > 0 && bytes + frame.Bytes.Length > maxBytes)
                    break;
                bytes += frame.Bytes.Length;
                into[n] = frame;
            }
            return n;
        }
    }

    /// <summary>Gives back what nobody needs: frames up to the floor, and room that held what slow readers
    /// lacked.</summary>
    public void Trim(long floor)
    {
        lock (_gate)
        {
            while (_next > _first && At(_first).Position <= floor)
                DropOldest();
            var (wanted, read) = (Wanted, ReadByAll());
            var slots = _ring.Length;
            while (slots / 2 >= wanted && _next - Math.Max(_first, read) <= slots / 2)
                slots /= 2;
            if (slots == _ring.Length)
                return;
            while (_next - _first > slots)
                DropOldest();
            Resize(slots);
        }
    }

    /// <summary>Slots that may be filled with frames that all have read.</summary>
    private int Wanted => (int)Math.Min(maxFrames, ReadFramesPerUser * Math.Max(1L, Volatile.Read(ref Users)));

    /// <summary>The number of the first frame that a connection may still want.</summary>
    private long ReadByAll()
    {
        var read = _next;
        for (var i = 0; i < Loops.Length; i++)
            if (Volatile.Read(ref Loops[i].Users) > 0)
                read = Math.Min(read, Volatile.Read(ref Loops[i].ReadThrough));
        return read;
    }

    private void MakeRoom()
    {
        if (_ring.Length >= Wanted && ReadByAll() > _first)
            DropOldest();
        else
            Resize(Math.Max(LeastSlots, _ring.Length * 2));
    }

    private LogFrame At(long sequence) => _ring[sequence & (_ring.Length - 1)]!;

    private void DropOldest()
    {
        ref var oldest = ref _ring[_first++ & (_ring.Length - 1)];
        _base = oldest!.Position;
        _bytes -= oldest.Bytes.Length;
        oldest = null;
    }

    private void Resize(int slots)
    {
        var ring = new LogFrame?[slots];
        for (var s = _first; s < _next; s++)
            ring[s & (slots - 1)] = At(s);
        _ring = ring;
    }
}
