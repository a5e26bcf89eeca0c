using Streaming.Fanout;

namespace Streaming.Replay;

/// <summary>Pages of the store read a moment ago, for other connections that ask for the same range. Not
/// thread-safe.</summary>
/// <param name="limit">Maximum bytes of all pages.</param>
internal sealed class SharedPages(long limit, TimeSpan age, TimeProvider clock)
{
    private readonly Dictionary<ReplayRange, (ReplayPage Page, long Bytes, long At)> _pages = [];
    private readonly Queue<ReplayRange> _oldest = [];
    private long _bytes;

    public ReplayPage? Find(ReplayRange range, string epoch)
    {
        Forget();
        return _pages.TryGetValue(range, out var kept) && kept.Page.Epoch == epoch ? kept.Page : null;
    }

    public void Add(ReplayRange range, ReplayPage page)
    {
        // A page of newest events is out of date a moment later. An empty page may mean that the client is ahead of
        // this replica: it asks again until the replica has caught up.
        if (range.Newest || page.Frames.Count == 0 || _pages.ContainsKey(range))
            return;

        var bytes = PageBudget.BytesOf(page);
        _pages.Add(range, (page, bytes, clock.GetTimestamp()));
        _oldest.Enqueue(range);
        _bytes += bytes;
        Forget();
    }

    public void Clear()
    {
        _pages.Clear();
        _oldest.Clear();
        _bytes = 0;
    }

    public void Forget()
    {
        while (
            _oldest.TryPeek(out var range)
            && _pages[range] is var (_, bytes, at)
            && (_bytes > limit || clock.GetElapsedTime(at) >= age)
        )
        {
            _oldest.Dequeue();
            _pages.Remove(range);
            _bytes -= bytes;
        }
    }
}
