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
        var page = replica.Logs.ReadRecent(range.Filter, range.After, epoch, MostBytes);
        if (page is null && replica.IsCutOff && !chance.OneIn(4))
            return false;

        _waiting.RemoveAt(index);
        page ??= replica.IsCutOff ? null : FromStore(range);
        if (page is not null)
            Pages.Hold(page);
        waiter.Done(waiter, page);
        return true;
    }

    private ReplayPage FromStore(ReplayRange range)
    {
        var page = replica.Read(range.Filter, range.After);
        return new(
            page.Epoch,
            page.DroppedThrough,
            [.. page.Events.Select(e => LogFrame.Of(page.Epoch, e, range.Filter.Format))],
            page.Through
        );
    }
}
