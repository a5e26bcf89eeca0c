using Harness;
using Streaming.Fanout;
using Streaming.Replay;

namespace Core.Model;

/// <summary>Reads pages for streams: of the recent events, else of the store, whenever the model decides.</summary>
internal sealed class ModelReplay(ModelReplica replica, ModelChance chance) : IReplay
{
    private const int MostBytes = 200;

    private readonly List<(ReplayWaiter Waiter, string Epoch)> _waiting = [];

    public PageBudget Pages { get; } = new(1 << 20, new ManualTime());

    public void Read(ReplayWaiter waiter, string epoch) => _waiting.Add((waiter, epoch));

    public void Cancel(ReplayWaiter waiter) => _waiting.RemoveAll(w => w.Waiter == waiter);

    /// <summary>Answers one of the waiters. Returns false if none can be answered.</summary>
    public bool Answer()
    {
        if (_waiting.Count == 0)
            return false;

        var index = chance.Next(_waiting.Count);
        var (waiter, epoch) = _waiting[index];
        var range = waiter.Range;
        var page = replica.Rings.ReadRecent(range.Filter, range.After, epoch, range.Newest ? int.MaxValue : MostBytes);
        if (page is not null && range.Newest)
            page = StoreReplay.NewestOf(page, range.Through);
        if (page is null && replica.IsCutOff && !chance.OneIn(4))
            return false;

        _waiting.RemoveAt(index);
        page ??= replica.IsCutOff ? null : FromStore(range);
        if (page is not null)
            Pages.Take(page);

        waiter.Done(waiter, page);
        return true;
    }

    private ReplayPage FromStore(ReplayRange range)
    {
        var read = replica.Read(range.Filter, range.After);
        var page = new ReplayPage(
            read.Epoch,
            read.DroppedThrough,
            [.. read.Events.Select(e => LogFrame.Of(read.Epoch, e, range.Filter.Format))],
            read.Through
        );

        return range.Newest ? Shortened(StoreReplay.NewestOf(page, range.Through)) : page;
    }

    /// <summary>A page of newest events may have more than fits; the next one has the rest.</summary>
    private ReplayPage Shortened(ReplayPage page)
    {
        if (page.Frames.Count < 2 || chance.OneIn(2))
            return page;

        var some = page.Frames.Take(page.Frames.Count / 2).ToList();
        return page with { Frames = some, Through = some[^1].Position };
    }
}
