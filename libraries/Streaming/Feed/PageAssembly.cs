using EventStore;

namespace Streaming.Feed;

/// <summary>
/// Puts the indexes of pages and the bodies of the subscribed slots together, in the order of the indexes. A page waits
/// a moment for a body that is due, because the channels have no common order. Not thread-safe.
/// </summary>
/// <remarks>Bodies that wait for their index are bounded in bytes. A dropped one is read from the store.</remarks>
internal sealed class PageAssembly(long maxBytes)
{
    /// <summary>Maximum pages whose bodies wait for an index.</summary>
    private const int MaxPages = 1_024;

    private readonly Dictionary<RelayPage, PageBodies> _bodies = [];
    private readonly Queue<RelayPage> _oldest = [];
    private readonly Queue<Waiting> _waiting = [];
    private RelayPage? _done;
    private long _bytes;

    /// <summary>Bytes of the bodies that wait for their index.</summary>
    public long Bytes => _bytes;

    /// <summary>Adds a body. A late or repeated one is dropped.</summary>
    public void Add(SlotBody body, int bytes)
    {
        if (IsDone(body.Page))
            return;
        if (!_bodies.TryGetValue(body.Page, out var page))
        {
            _bodies.Add(body.Page, page = new PageBodies());
            _oldest.Enqueue(body.Page);
        }
        if (!page.Slots.TryAdd(body.Slot, body))
            return;
        page.Bytes += bytes;
        _bytes += bytes;
        while ((_bytes > maxBytes || _oldest.Count > MaxPages) && _oldest.TryDequeue(out var oldest))
            Drop(oldest);
    }

    /// <summary>Adds an index.</summary>
    /// <param name="index">The index.</param>
    /// <param name="due">Slots whose bodies must come.</param>
    /// <param name="limit">Time after which a due body counts as lost.</param>
    public void Add(PageIndex index, SlotSet due, long limit) => _waiting.Enqueue(new Waiting(index, due, limit));

    /// <summary>Adds a heartbeat, in its place among the indexes.</summary>
    public void Add(Heartbeat heartbeat) => _waiting.Enqueue(new Waiting(heartbeat, null, 0));

    /// <summary>True if a page waits for a body.</summary>
    public bool IsWaiting => _waiting.Count > 0;

    /// <summary>Returns the next page, unless it still waits.</summary>
    /// <param name="now">Current time.</param>
    /// <param name="isAway">Returns true if a slot's bodies cannot be received at present.</param>
    /// <param name="lost">Slots whose due body is missing.</param>
    public FeedMessage? Next(long now, Func<int, bool> isAway, List<int> lost)
    {
        if (!_waiting.TryPeek(out var next))
            return null;
        if (next.Message is Heartbeat heartbeat)
        {
            _waiting.Dequeue();
            return new FeedMessage(heartbeat.Page) { Heads = heartbeat.Heads };
        }
        var index = (PageIndex)next.Message;
        var bodies = _bodies.GetValueOrDefault(index.Page);
        SlotSet? missing = null;
        lost.Clear();
        foreach (var slot in index.Slots)
        {
            if (bodies is not null && bodies.Slots.ContainsKey(slot))
                continue;
            if (next.Due!.Contains(slot))
            {
                if (now < next.Limit && !isAway(slot))
                    return null;
                lost.Add(slot);
            }
            (missing ??= new SlotSet(index.Slots.Slots)).Add(slot);
        }
        _waiting.Dequeue();
        _done = index.Page;
        Drop(index.Page);
        while (_oldest.TryPeek(out var page) && (IsDone(page) || !_bodies.ContainsKey(page)))
            Drop(_oldest.Dequeue());
        return new FeedMessage(index.Page)
        {
            Events = bodies?.Merge() ?? [],
            Missing = missing,
            IsIncomplete = lost.Count > 0,
            TraceParent = bodies?.TraceParent,
            Bytes = bodies?.Bytes ?? 0,
        };
    }

    private bool IsDone(RelayPage page) =>
        _done is not null && page.Epoch == _done.Epoch && page.Fence <= _done.Fence && page.Last <= _done.Last;

    private void Drop(RelayPage page)
    {
        if (_bodies.Remove(page, out var bodies))
            _bytes -= bodies.Bytes;
    }

    private sealed record Waiting(RelayMessage Message, SlotSet? Due, long Limit);

    private sealed class PageBodies
    {
        public Dictionary<int, SlotBody> Slots { get; } = [];
        public int Bytes;

        public string? TraceParent =>
            Slots.Values.FirstOrDefault(static body => body.TraceParent is not null)?.TraceParent;

        public IReadOnlyList<EventRecord> Merge()
        {
            if (Slots.Count == 1)
                foreach (var body in Slots.Values)
                    return body.Events;
            var events = new List<EventRecord>();
            foreach (var body in Slots.Values)
                events.AddRange(body.Events);
            events.Sort(static (a, b) => a.Position.CompareTo(b.Position));
            return events;
        }
    }
}
