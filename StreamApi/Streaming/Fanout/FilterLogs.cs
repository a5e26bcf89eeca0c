using EventStore;
using Microsoft.Extensions.Options;

namespace StreamApi.Streaming.Fanout;

/// <summary>
/// All filter logs of this replica and the matcher that feeds them. The feed publishes in position order; <see cref="Settled"/> says up
/// to where every log holds what it wants. The newest events of all topics are kept too: a new filter log starts with those, so that who
/// returns after a moment is served from memory.
/// </summary>
internal sealed class FilterLogs(IOptions<StreamingOptions> options, TimeProvider clock)
{
    private readonly Lock _gate = new(), _publishing = new();
    private readonly Dictionary<StreamFilter, FilterLog> _logs = [];
    private readonly TopicIndex _index = new();
    private readonly Queue<FeedEvent> _recent = [];
    private readonly List<FilterLog> _matches = [];
    private readonly HashSet<FilterLog> _touched = [];
    private long _recentBytes, _recentBase, _settled;
    private string _epoch = "";

    /// <summary>The position up to which every event of this epoch is in the logs that want it.</summary>
    public long Settled => Volatile.Read(ref _settled);

    public string Epoch => Volatile.Read(ref _epoch);

    /// <summary>Filters that are kept now.</summary>
    public int Count { get { lock (_gate) return _logs.Count; } }

    /// <summary>Who stands at or after this is served from memory.</summary>
    public long RecentBase => Volatile.Read(ref _recentBase);

    /// <summary>The logs that a publish appended to, and the loops to wake. One call at a time.</summary>
    public event Action<IReadOnlyCollection<FilterLog>>? Appended;

    /// <summary>Takes the log of a filter for use, made where there is none; give it back with <see cref="Release"/>.</summary>
    public FilterLog Acquire(StreamFilter filter)
    {
        lock (_gate)
        {
            if (!_logs.TryGetValue(filter, out var log))
            {
                log = new FilterLog(filter, options.Value.RingEvents, options.Value.RingBytes) { UsersOfLoop = new int[options.Value.Writers] };
                log.Reset(_epoch, _recentBase);
                foreach (var e in _recent) if (Wants(filter, e.Record)) Append(log, e);
                _logs.Add(filter, log);
                _index.Add(log);
            }
            log.Users++;
            return log;
        }
    }

    public void Release(FilterLog log)
    {
        lock (_gate) if (--log.Users == 0) log.IdleSince = clock.GetTimestamp();
    }

    /// <summary>Another history, or the first: readers of the old one are told by the change of <see cref="FilterLog.Epoch"/>.</summary>
    public void Reset(string epoch, long position)
    {
        lock (_publishing)
        {
            lock (_gate)
            {
                _recent.Clear();
                _recentBytes = 0;
                _recentBase = position;
                Volatile.Write(ref _settled, position);
                Volatile.Write(ref _epoch, epoch);
                foreach (var log in _logs.Values) log.Reset(epoch, position);
            }
            Appended?.Invoke(Logs());
        }
    }

    /// <summary>
    /// Takes events that this process itself has just committed, where nothing lies between them and <see cref="Settled"/>; else they come by the feed as
    /// all others do, and what was taken here the feed then skips.
    /// </summary>
    /// <param name="epoch">Whose positions they are: of another history they would only seem to be next.</param>
    /// <param name="events">In position order, without gaps.</param>
    /// <returns>Whether they were taken.</returns>
    public bool TryPublishNext(string epoch, IReadOnlyList<EventRecord> events)
    {
        lock (_publishing)
        {
            if (epoch != _epoch || events[0].Position != _settled + 1) return false;
            Publish(events, events[^1].Position);
            return true;
        }
    }

    /// <summary>Takes the next events, all after <see cref="Settled"/> and in order; <paramref name="through"/> may lie beyond the last.</summary>
    public void Publish(IReadOnlyList<EventRecord> events, long through)
    {
        lock (_publishing)
        {
            lock (_gate)
            {
                _touched.Clear();
                foreach (var record in events) if (record.Position > _settled) Append(new FeedEvent(_epoch, record));
                // Only now: who reads Settled and is level with a log has had every match up to there.
                Volatile.Write(ref _settled, Math.Max(through, _settled));
            }
            if (_touched.Count > 0) Appended?.Invoke(_touched);
        }
    }

    /// <summary>Whether there is a filter for an event that has come without its data.</summary>
    public bool AnyWantsMore(IReadOnlyList<EventRecord> events)
    {
        foreach (var e in events) if (e.Data.IsEmpty && e.Position > Settled && AnyWants(e)) return true;
        return false;
    }

    private bool AnyWants(EventRecord e)
    {
        lock (_gate)
        {
            _matches.Clear();
            _index.Match(e.Topic, _matches);
            foreach (var log in _matches) if (log.Users > 0 && log.Filter.Passes(e)) return true;
            return false;
        }
    }

    private void Append(FeedEvent e)
    {
        Keep(e);
        _matches.Clear();
        _index.Match(e.Record.Topic, _matches);
        for (var i = 0; i < _matches.Count; i++)
        {
            var log = _matches[i];
            if (!log.Filter.Passes(e.Record) || (i > 0 && log.Filter.Events.Topics.Count > 1 && _matches.IndexOf(log, 0, i) >= 0)) continue;
            Append(log, e);
            _touched.Add(log);
        }
    }

    private static void Append(FilterLog log, FeedEvent e)
    {
        if (e.Record.Data.IsEmpty) log.Skip(e.Record.Position);
        else log.Append(LogFrame.Of(e.Record, e.Frame(log.Filter.Form), log.Filter.Form));
    }

    /// <summary>Forgets logs that nobody has used for a while.</summary>
    public void Sweep()
    {
        lock (_gate)
        {
            foreach (var (filter, log) in _logs)
            {
                if (log.Users > 0 || clock.GetElapsedTime(log.IdleSince) < options.Value.IdleLogLifetime) continue;
                _logs.Remove(filter);
                _index.Remove(log);
            }
        }
    }

    private FilterLog[] Logs() { lock (_gate) return [.. _logs.Values]; }

    private void Keep(FeedEvent e)
    {
        _recent.Enqueue(e);
        _recentBytes += e.Record.Data.Length;
        while (_recent.Count > options.Value.RecentEvents || (_recentBytes > options.Value.RecentBytes && _recent.Count > 1))
        {
            var oldest = _recent.Dequeue().Record;
            _recentBytes -= oldest.Data.Length;
            _recentBase = oldest.Position;
        }
    }

    private static bool Wants(StreamFilter filter, EventRecord e)
    {
        if (!filter.Passes(e)) return false;
        foreach (var topic in filter.Events.Topics) if (TopicPattern.Matches(topic, e.Topic)) return true;
        return false;
    }
}
