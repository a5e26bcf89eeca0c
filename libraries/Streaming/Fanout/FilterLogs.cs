using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Replay;

namespace Streaming.Fanout;

/// <summary>
/// All filter logs of this replica and the matcher that feeds them. The feed publishes in position order; <see
/// cref="Settled"/> says up
/// to where every log holds what it wants. The newest events of all topics are kept too, so that who returns after a
/// moment is served from
/// memory, whatever its filter.
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
    private string _epoch = "";

    /// <summary>The position up to which every event of this epoch is in the logs that want it.</summary>
    public long Settled => Volatile.Read(ref _settled);

    public string Epoch => Volatile.Read(ref _epoch);

    /// <summary>Filters that are kept now.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _logs.Count;
        }
    }

    /// <summary>Room for frames in all rings, used or not.</summary>
    public long Slots
    {
        get
        {
            lock (_gate)
                return _logs.Values.Sum(static log => (long)log.Slots);
        }
    }

    /// <summary>Who stands at or after this is served from memory.</summary>
    public long RecentBase => Volatile.Read(ref _recentBase);

    /// <summary>The logs that a publish appended to, and the loops to wake. One call at a time.</summary>
    public event Action<IReadOnlyList<FilterLog>>? Appended;

    /// <summary>Takes the log of a filter for use, made where there is none; give it back with <see
    /// cref="Release"/>.</summary>
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
                log.Reset(_epoch, _settled);
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

    /// <summary>Another history, or the first: readers of the old one are told by the change of <see
    /// cref="FilterLog.Epoch"/>.</summary>
    public void Reset(string epoch, long position)
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
                Volatile.Write(ref _epoch, epoch);
                foreach (var log in _logs.Values)
                    log.Reset(epoch, position);
            }
            Appended?.Invoke(Logs());
        }
    }

    /// <summary>
    /// Takes events that this process itself has just committed, where nothing lies between them and <see
    /// cref="Settled"/>; else they come by the feed as
    /// all others do, and what was taken here the feed then skips.
    /// </summary>
    /// <param name="epoch">Whose positions they are: of another history they would only seem to be next.</param>
    /// <param name="events">In position order, without gaps.</param>
    /// <returns>Whether they were taken.</returns>
    public bool TryPublishNext(string epoch, IReadOnlyList<EventRecord> events)
    {
        lock (_publishing)
        {
            if (epoch != _epoch || events[0].Position != _settled + 1)
                return false;
            Publish(events, events[^1].Position);
            return true;
        }
    }

    /// <summary>Takes the next events, all after <see cref="Settled"/> and in order; <paramref name="through"/> may lie
    /// beyond the last.</summary>
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
                        Append(new FeedEvent(_epoch, record));
                // Only now: who reads Settled and is level with a log has had every match up to there.
                Volatile.Write(ref _settled, Math.Max(through, _settled));
            }
            if (_touched.Count > 0)
                Appended?.Invoke(_touched);
        }
    }

    /// <summary>Whether there is a filter for an event that has come without its data.</summary>
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
            // A log is found by each of its topics that matches; the mark says that this event is in it already.
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

    /// <summary>Moves the floor, so that all rings together hold no more bytes than they may. An event counts once, in
    /// however many rings it is.</summary>
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

    /// <summary>Forgets logs that nobody has used for a while, and what the others need no more.</summary>
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

    /// <summary>A page of what is kept of all topics; null where that does not reach back so far, or lacks an event's
    /// data.</summary>
    /// <param name="filter">Which events.</param>
    /// <param name="after">The last position that the reader has.</param>
    /// <param name="epoch">The history that this position belongs to.</param>
    /// <param name="most">Most bytes of frames; one frame may have more.</param>
    public ReplayPage? ReadRecent(StreamFilter filter, long after, string epoch, int most)
    {
        const int MostExamined = 8_192;
        var examined = new List<FeedEvent>();
        long through;
        lock (_gate)
        {
            if (epoch != _epoch || after < _recentBase || after > _settled)
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
        // Matched outside of the lock, which the live feed needs.
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
