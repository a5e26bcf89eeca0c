using EventStore;
using Microsoft.Extensions.Options;

namespace Streaming.Fanout;

/// <summary>All filter rings of this replica, fed in position order. The newest events of all topics are kept too, so
/// that a client that returns soon is served from memory, whatever its filter.</summary>
internal sealed class FilterRingRegistry(IOptions<SseOptions> options, TimeProvider clock)
{
    /// <summary>Maximum tokens of a filter whose unused ring is kept.</summary>
    private const int MaxIdleTokens = 128;

    private readonly Lock _gate = new();
    private readonly Lock _publishing = new();
    private readonly Dictionary<StreamFilter, FilterRing> _rings = [];
    private readonly FilterMatcher _matcher = new();
    private readonly RecentEvents _recent = new(options.Value);
    private readonly List<FilterRing> _touched = [];
    private readonly TotalRingBudget _floor = new(options.Value.AllRingBytes);
    private readonly NeededTokens _needed = new();
    private long _settled;
    private long _batches;

    /// <summary>Position through which every event of this epoch is in the rings that match it. A ring that lacks an
    /// event, because it came without its data, has a gap instead (<see cref="FilterRing.Skip"/>).</summary>
    public long Settled => Volatile.Read(ref _settled);

    public KnownEpochs Epochs { get; } = new(clock);

    public string Epoch => Epochs.Lineage.Epoch;

    /// <summary>The epoch and <see cref="Settled"/> of one moment.</summary>
    public (Lineage Lineage, StreamPosition Settled) Now
    {
        get
        {
            lock (_gate)
                return (Epochs.Lineage, new StreamPosition(Epoch, _settled));
        }
    }

    public int Count
    {
        get
        {
            lock (_gate)
                return _rings.Count;
        }
    }

    /// <summary>Capacity of all rings in frames.</summary>
    public long Capacity
    {
        get
        {
            lock (_gate)
                return _rings.Values.Sum(static ring => (long)ring.Capacity);
        }
    }

    /// <summary>Returns true if a client with this filter is served from memory after the position.</summary>
    public bool IsRecent(StreamFilter filter, long position)
    {
        lock (_gate)
            return position >= _recent.Base && _needed.HasAll(filter, position);
    }

    /// <summary>Raised for the writer loops with the rings that have changed, one call at a time.</summary>
    public event Action<IReadOnlyList<FilterRing>>? Appended;

    /// <summary>Returns the ring of a filter, created if necessary. <see cref="Release"/> gives it back.</summary>
    public FilterRing Acquire(StreamFilter filter)
    {
        lock (_gate)
        {
            if (!_rings.TryGetValue(filter, out var ring))
            {
                ring = new FilterRing(filter, options.Value.RingEvents, options.Value.RingBytes)
                {
                    Loops = new LoopUse[options.Value.Writers],
                };
                ring.Reset(Epochs.Lineage, _settled);
                _rings.Add(filter, ring);
                _matcher.Index.Add(ring);
                _needed.Add(filter);
            }

            ring.Users++;
            return ring;
        }
    }

    public void Release(FilterRing ring)
    {
        lock (_gate)
            if (--ring.Users == 0)
                ring.IdleSince = clock.GetTimestamp();
    }

    /// <summary>Starts an epoch after a position. Connections notice it by <see cref="FilterRing.Lineage"/>.</summary>
    public void Reset(Lineage lineage, long position)
    {
        lock (_publishing)
        {
            lock (_gate)
            {
                _recent.Reset(position);
                _floor.Reset();
                _needed.Reset();
                Volatile.Write(ref _settled, position);
                Epochs.Set(lineage);

                foreach (var ring in _rings.Values)
                    ring.Reset(lineage, position);
            }
            Appended?.Invoke(AllRings());
        }
    }

    /// <summary>Continues, with all frames, in an epoch that shares everything up to <see cref="Settled"/>, else
    /// returns false.</summary>
    public bool TryContinue(Lineage lineage)
    {
        lock (_publishing)
        {
            lock (_gate)
            {
                if (lineage.Translate(new StreamPosition(Epoch, _settled)) is null)
                    return false;
                Epochs.Set(lineage);
                foreach (var ring in _rings.Values)
                    ring.Continue(lineage);
            }

            Appended?.Invoke(AllRings());
            return true;
        }
    }

    /// <summary>Publishes the events of a commit if they come next after <see cref="Settled"/>. The feed publishes all
    /// others.</summary>
    public bool TryPublishNext(CommittedEvents commit)
    {
        lock (_publishing)
        {
            // Events of another epoch would only seem to come next.
            if (commit.Epoch != Epoch || commit.Previous > _settled || commit.Last <= _settled)
                return false;
            Publish(commit.Events, commit.Last);
            return true;
        }
    }

    /// <summary>Publishes events in position order, which are all new events up to <paramref name="through"/>. Events
    /// through <see cref="Settled"/> are skipped.</summary>
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

                // Set last: a connection that has caught up with a ring must have every match through Settled.
                Volatile.Write(ref _settled, Math.Max(through, _settled));
            }
            if (_touched.Count > 0)
                Appended?.Invoke(_touched);
        }
    }

    /// <summary>Forgets all events through a position at which something was erased: clients read what is left of them
    /// from the store.</summary>
    public void Forget(long through)
    {
        lock (_publishing)
        {
            lock (_gate)
            {
                if (_recent.Base < Math.Min(through, _settled))
                    _recent.Reset(_settled);
                _touched.Clear();
                _batches++;
                foreach (var ring in _rings.Values)
                    if (ring.Forget(through))
                        Touch(ring, ring.Users);
            }
            if (_touched.Count > 0)
                Appended?.Invoke(_touched);
        }
    }

    /// <summary>Advances past a page, or returns false if it does not come next or a filter may need one of its
    /// events.</summary>
    public bool TryLeaveOut(RelayPage page)
    {
        lock (_publishing)
            lock (_gate)
            {
                if (page.Epoch != Epoch || page.Previous > _settled)
                    return false;
                if (page.FirstTokens is not { } firstTokens || _needed.AnyOf(firstTokens))
                    return false;

                _needed.LeaveOut(firstTokens, page.Last);
                Volatile.Write(ref _settled, Math.Max(page.Last, _settled));
                return true;
            }
    }

    /// <summary>Lists a ring once per batch for the writer loops.</summary>
    private void Touch(FilterRing ring, int audience)
    {
        var isFirst = ring.LastBatch != _batches;
        ring.Audience = isFirst ? audience : Math.Min(ring.Audience, audience);
        ring.LastBatch = _batches;
        if (isFirst)
            _touched.Add(ring);
    }

    /// <summary>Returns true if a filter in use matches an event that came without its data.</summary>
    public bool AnyWantsMore(IReadOnlyList<EventRecord> events)
    {
        foreach (var record in events)
            if (record.Data.IsEmpty && record.Position > Settled && AnyWants(record))
                return true;
        return false;
    }

    private bool AnyWants(EventRecord record)
    {
        lock (_gate)
        {
            foreach (var ring in _matcher.Match(record))
                if (ring.Users > 0)
                    return true;
            return false;
        }
    }

    private void Append(FeedEvent arrived)
    {
        _recent.Keep(arrived);
        var matches = _matcher.Match(arrived.Record);
        var audience = 0;
        foreach (var ring in matches)
            audience += ring.Users;

        foreach (var ring in matches)
        {
            if (arrived.Record.Data.IsEmpty)
                ring.Skip(arrived.Record.Position);
            else
                ring.Append(arrived.Frame(ring.Filter.Format), _floor.Position);
            Touch(ring, audience);
        }

        if (matches.Length > 0)
            _floor.Count(arrived.Record);
    }

    public void Sweep()
    {
        var idle = new List<FilterRing>();
        lock (_gate)
            foreach (var (filter, ring) in _rings)
            {
                var isKept =
                    filter.Tokens <= MaxIdleTokens
                    && clock.GetElapsedTime(ring.IdleSince) < options.Value.IdleRingLifetime;
                if (ring.Users > 0 || isKept)
                {
                    ring.Trim(_floor.Position);
                    continue;
                }

                _rings.Remove(filter);
                idle.Add(ring);
                _needed.Remove(filter);
            }

        foreach (var part in TopicIndex.Parts(idle))
            lock (_gate)
                _matcher.Index.Remove(part);
    }

    private FilterRing[] AllRings()
    {
        lock (_gate)
            return [.. _rings.Values];
    }

    /// <summary>Returns recent events, or null if they do not reach back far enough or an event lacks its
    /// data.</summary>
    /// <param name="most">Maximum bytes of frames, exceeded by at most one frame.</param>
    public ReplayPage? ReadRecent(StreamFilter filter, long after, string epoch, int most)
    {
        List<FeedEvent> examined;
        long through;
        lock (_gate)
        {
            if (epoch != Epoch || after < _recent.Base || after > _settled || !_needed.HasAll(filter, after))
                return null;
            through = _settled;
            examined = _recent.After(after, filter.Events.Topics, ref through);
        }

        // Matched outside the lock, which the live feed needs.
        return RecentEvents.Page(filter, epoch, examined, through, most);
    }
}
