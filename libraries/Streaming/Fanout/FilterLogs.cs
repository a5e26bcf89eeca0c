using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Replay;

namespace Streaming.Fanout;

/// <summary>
/// All filter logs of this replica and the matcher that feeds them, in position order. The newest events of all topics
/// are kept too, so that a client that returns soon is served from memory, whatever its filter.
/// </summary>
internal sealed class FilterLogs(IOptions<StreamingOptions> options, TimeProvider clock)
{
    private readonly Lock _gate = new(),
        _publishing = new();
    private readonly Dictionary<StreamFilter, FilterLog> _logs = [];
    private readonly TopicIndex _index = new();
    private readonly Queue<FeedEvent> _recent = [];
    private readonly List<FilterLog> _matches = [];
    private readonly List<FilterLog> _touched = [];
    private readonly Queue<(long Position, int Bytes)> _inRings = [];
    private long _recentBytes,
        _recentBase,
        _settled,
        _inRingsBytes,
        _floor = -1,
        _events,
        _batches;

    /// <summary>Position through which every event of this epoch is in the logs that match it.</summary>
    public long Settled => Volatile.Read(ref _settled);

    public KnownEpochs Epochs { get; } = new(clock);

    public string Epoch => Epochs.Lineage.Epoch;

    /// <summary>The epoch and <see cref="Settled"/> of one moment.</summary>
    public (Lineage Lineage, StreamId Settled) Now
    {
        get
        {
            lock (_gate)
                return (Epochs.Lineage, new StreamId(Epoch, _settled));
        }
    }

    /// <summary>Number of filter logs.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _logs.Count;
        }
    }

    /// <summary>Capacity of all rings in frames.</summary>
    public long Slots
    {
        get
        {
            lock (_gate)
                return _logs.Values.Sum(static log => (long)log.Slots);
        }
    }

    /// <summary>Position from which clients are served from memory.</summary>
    public long RecentBase => Volatile.Read(ref _recentBase);

    /// <summary>
    /// Raised with the logs that a publish has appended to, one call at a time. It wakes the writer loops.
    /// </summary>
    public event Action<IReadOnlyList<FilterLog>>? Appended;

    /// <summary>Returns the log of a filter, created if necessary. <see cref="Release"/> gives it back.</summary>
    public FilterLog Acquire(StreamFilter filter)
    {
        lock (_gate)
        {
            if (!_logs.TryGetValue(filter, out var log))
            {
                log = new FilterLog(filter, options.Value.RingEvents, options.Value.RingBytes)
                {
                    Loops = new LoopUse[options.Value.Writers],
                };
                log.Reset(Epochs.Lineage, _settled);
                _logs.Add(filter, log);
                _index.Add(log);
            }
            log.Users++;
            return log;
        }
    }

    public void Release(FilterLog log)
    {
        lock (_gate)
            if (--log.Users == 0)
                log.IdleSince = clock.GetTimestamp();
    }

    /// <summary>
    /// Starts an epoch, the first or a new one, after a position. Connections notice it by
    /// <see cref="FilterLog.Lineage"/>.
    /// </summary>
    public void Reset(Lineage lineage, long position)
    {
        lock (_publishing)
        {
            lock (_gate)
            {
                _recent.Clear();
                _recentBytes = 0;
                _inRings.Clear();
                (_recentBase, _inRingsBytes, _floor) = (position, 0, -1);
                Volatile.Write(ref _settled, position);
                Epochs.Set(lineage);
                foreach (var log in _logs.Values)
                    log.Reset(lineage, position);
            }
            Appended?.Invoke(Logs());
        }
    }

    /// <summary>
    /// Goes on in an epoch that shares every position up to <see cref="Settled"/>: the logs keep their frames.
    /// </summary>
    /// <returns>False, and nothing is changed, if the epoch does not share them.</returns>
    public bool TryContinue(Lineage lineage)
    {
        lock (_publishing)
        {
            lock (_gate)
            {
                if (lineage.Translate(new StreamId(Epoch, _settled)) is null)
                    return false;
                Epochs.Set(lineage);
                foreach (var log in _logs.Values)
                    log.Continue(lineage);
            }
            Appended?.Invoke(Logs());
            return true;
        }
    }

    /// <summary>
    /// Publishes events that this process has just committed, if they directly follow <see cref="Settled"/>. Otherwise
    /// the feed publishes them; it skips the ones published here.
    /// </summary>
    /// <param name="epoch">The epoch of the positions. Events of another epoch would only seem to come next.</param>
    /// <param name="events">Events in position order, without gaps.</param>
    /// <returns>True if they were published.</returns>
    public bool TryPublishNext(string epoch, IReadOnlyList<EventRecord> events)
    {
        lock (_publishing)
        {
            if (epoch != Epoch || events[0].Position != _settled + 1)
                return false;
            Publish(events, events[^1].Position);
            return true;
        }
    }

    /// <summary>
    /// Publishes the next events, in order. Events through <see cref="Settled"/> are skipped, and
    /// <paramref name="through"/> may lie beyond the last event.
    /// </summary>
    public void Publish(IReadOnlyList<EventRecord> events, long through)
    {
        lock (_publishing)
        {
            lock (_gate)
            {
                _touched.Clear();
                _batches++;
                foreach (var record in events)
                    if (record.Position > _settled)
                        Append(new FeedEvent(Epoch, record));
                // Set last: a connection that has caught up with a log must have every match through Settled.
                Volatile.Write(ref _settled, Math.Max(through, _settled));
            }
            if (_touched.Count > 0)
                Appended?.Invoke(_touched);
        }
    }

    /// <summary>Returns true if a filter in use matches an event that came without its data.</summary>
    public bool AnyWantsMore(IReadOnlyList<EventRecord> events)
    {
        foreach (var e in events)
            if (e.Data.IsEmpty && e.Position > Settled && AnyWants(e))
                return true;
        return false;
    }

    private bool AnyWants(EventRecord e)
    {
        lock (_gate)
        {
            _matches.Clear();
            _index.Match(e.Topic, _matches);
            foreach (var log in _matches)
                if (log.Users > 0 && log.Filter.Passes(e))
                    return true;
            return false;
        }
    }

    private void Append(FeedEvent e)
    {
        Keep(e);
        _matches.Clear();
        _index.Match(e.Record.Topic, _matches);
        _events++;
        var appended = false;
        foreach (var log in _matches)
        {
            // The index returns a log once per matching topic; the marker prevents a second append.
            if (log.LastEvent == _events || !log.Filter.Passes(e.Record))
                continue;
            log.LastEvent = _events;
            if (e.Record.Data.IsEmpty)
                log.Skip(e.Record.Position);
            else
                log.Append(e.Frame(log.Filter.Format), _floor);
            appended = true;
            if (log.LastBatch == _batches)
                continue;
            log.LastBatch = _batches;
            _touched.Add(log);
        }
        if (appended)
            CountInRings(e.Record);
    }

    /// <summary>
    /// Moves the floor, so that all rings together stay within their limit. An event counts once, however many rings
    /// hold it.
    /// </summary>
    private void CountInRings(EventRecord e)
    {
        const int Overhead = 256;
        _inRings.Enqueue((e.Position, e.Data.Length + Overhead));
        _inRingsBytes += e.Data.Length + Overhead;
        while (_inRingsBytes > options.Value.AllRingBytes && _inRings.Count > 1)
        {
            var (position, bytes) = _inRings.Dequeue();
            (_floor, _inRingsBytes) = (position, _inRingsBytes - bytes);
        }
    }

    /// <summary>Removes logs that have been unused for a while, and trims the others.</summary>
    public void Sweep()
    {
        lock (_gate)
        {
            var idle = new HashSet<FilterLog>();
            foreach (var (filter, log) in _logs)
            {
                if (log.Users > 0 || clock.GetElapsedTime(log.IdleSince) < options.Value.IdleLogLifetime)
                {
                    log.Trim(_floor);
                    continue;
                }
                _logs.Remove(filter);
                idle.Add(log);
            }
            _index.Remove(idle);
        }
    }

    private FilterLog[] Logs()
    {
        lock (_gate)
            return [.. _logs.Values];
    }

    private void Keep(FeedEvent e)
    {
        _recent.Enqueue(e);
        _recentBytes += e.Record.Data.Length;
        while (
            _recent.Count > options.Value.RecentEvents
            || (_recentBytes > options.Value.RecentBytes && _recent.Count > 1)
        )
        {
            var oldest = _recent.Dequeue().Record;
            _recentBytes -= oldest.Data.Length;
            _recentBase = oldest.Position;
        }
    }

    /// <summary>
    /// Returns a page of the recent events, or null if they do not reach back far enough or lack an event's data.
    /// </summary>
    /// <param name="filter">Selects the events.</param>
    /// <param name="after">The last position that the client has.</param>
    /// <param name="epoch">The epoch of that position.</param>
    /// <param name="most">Maximum bytes of frames, exceeded by at most one frame.</param>
    public ReplayPage? ReadRecent(StreamFilter filter, long after, string epoch, int most)
    {
        const int MostExamined = 8_192;
        var examined = new List<FeedEvent>();
        long through;
        lock (_gate)
        {
            if (epoch != Epoch || after < _recentBase || after > _settled)
                return null;
            through = _settled;
            foreach (var e in _recent)
            {
                if (e.Record.Position <= after)
                    continue;
                if (examined.Count == MostExamined)
                {
                    through = examined[^1].Record.Position;
                    break;
                }
                examined.Add(e);
            }
        }
        // Matched outside the lock, which the live feed needs.
        var (index, found, frames, bytes) = (new TopicIndex(), new List<FilterLog>(), new List<LogFrame>(), 0L);
        index.Add(new FilterLog(filter, 0, 0));
        foreach (var e in examined)
        {
            found.Clear();
            index.Match(e.Record.Topic, found);
            if (found.Count == 0 || !filter.Passes(e.Record))
                continue;
            var isLarge = e.Record.Data.IsEmpty;
            if (isLarge && frames.Count == 0)
                return null;
            if (isLarge || bytes > most)
            {
                through = frames[^1].Position;
                break;
            }
            frames.Add(e.Frame(filter.Format));
            bytes += frames[^1].Bytes.Length;
        }
        return new ReplayPage(epoch, 0, frames, through);
    }
}
