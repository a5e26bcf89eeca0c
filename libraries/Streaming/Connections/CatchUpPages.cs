using Streaming.Frames;
using Streaming.Replay;

namespace Streaming.Connections;

/// <summary>
/// The pages of one writer loop's connections that lag behind their rings. A connection holds a page only while its
/// peer takes something,
/// and asks for as much as the peer took of the last: a slow reader costs its lag and no memory, and nothing is read
/// twice that was not
/// written in between. Used by the loop's thread.
/// </summary>
/// <param name="replay">Reads the pages.</param>
/// <param name="pending">Says whether writes are to be small.</param>
/// <param name="answered">Told from any thread what became of a wait.</param>
internal sealed class CatchUpPages(
    StoreReplay replay,
    PendingWrites pending,
    Action<StreamConnection, ReplayWaiter, ReplayPage?> answered
)
{
    /// <summary>Events of the first page, of the smallest, and from how many on a page is as long as the store makes
    /// it; bytes that go with each.</summary>
    private const int FirstEvents = 128,
        LeastEvents = 16,
        WholeEvents = 1_024,
        BytesOfEvent = 2 * 1024;

    /// <summary>Most bytes of a write to a connection that has stalled: what is left of it must be kept until it is
    /// taken.</summary>
    private const int StalledWriteBytes = 16 * 1024;

    /// <summary>No page can be read for want of memory.</summary>
    public bool IsFull => replay.Pages.IsFull;

    public void Ask(StreamConnection c)
    {
        if (c.PageEvents == 0)
            c.PageEvents = FirstEvents;
        int? most = c.PageEvents >= WholeEvents ? null : c.PageEvents;
        var range = new ReplayRange(
            c.Log.Filter,
            c.Position,
            c.Slow == SlowReader.Latest,
            most,
            most * BytesOfEvent,
            c.SkipsUnread ? c.SkippedThrough : null
        );
        c.Asked = new ReplayWaiter(range, (waiter, page) => answered(c, waiter, page));
        replay.Read(c.Asked, c.Epoch);
    }

    /// <summary>Shows a page that was made of what memory holds.</summary>
    public void ShowOwn(StreamConnection c, ReplayPage page)
    {
        replay.Pages.Hold(page);
        Show(c, page);
    }

    /// <summary>Takes a page that was not asked for any more, or is of another history.</summary>
    public void Return(ReplayPage? page)
    {
        if (page is not null)
            replay.Pages.GiveBack(page);
    }

    /// <summary>The page, held for the connection, is what it is sent next; a gap is told before it.</summary>
    public void Show(StreamConnection c, ReplayPage page)
    {
        Drop(c);
        (c.Page, c.PageIndex) = (page, 0);
        if (page.Skipped is not null && page.DroppedThrough <= c.Position)
            c.Opening = Skipped(c, page); // an expired position is told first
    }

    /// <summary>The page has been written: the connection goes on after it, and has earned a longer one.</summary>
    public void Finish(StreamConnection c)
    {
        var through = c.Page!.Through;
        Drop(c);
        (c.Sequence, c.Position, c.PageEvents) = (
            -1,
            Math.Max(c.Position, through),
            Math.Min(c.PageEvents * 2, WholeEvents)
        );
    }

    /// <summary>Takes from a connection whose peer reads nothing what the loop holds for it. It is sought by its
    /// position when it reads on.</summary>
    /// <param name="c">The connection; its output is busy.</param>
    /// <param name="isStalled">It has been for some time. Otherwise it gives its page only where memory for pages is
    /// short.</param>
    public void Relieve(StreamConnection c, bool isStalled)
    {
        if (c.Slow == SlowReader.Disconnect)
            return; // it leaves soon, at once where memory is short
        if (c.Page is not null && (isStalled || replay.Pages.IsScarce))
        {
            (c.HasStalled, c.PageEvents) = (true, Math.Max(LeastEvents, c.PageIndex));
            Drop(c);
            c.Sequence = -1;
        }
        if (isStalled && c.Page is null)
            c.Sequence = -1;
    }

    /// <summary>It is fed from memory again: the next time it lags, it begins anew.</summary>
    public static void CaughtUp(StreamConnection c)
    {
        if (c.PageEvents != 0)
            (c.HasStalled, c.PageEvents) = (false, 0);
    }

    public void GiveUp(StreamConnection c)
    {
        if (c.Asked is { } asked)
            replay.Cancel(asked);
        c.Asked = null;
        Drop(c);
    }

    public int MostBytes(StreamConnection c, int usual) =>
        c.HasStalled || pending.IsScarce ? Math.Min(usual, StalledWriteBytes) : usual;

    /// <summary>Tells a gap, which is not told again with what is kept of the same part of the log.</summary>
    public static byte[] Skipped(StreamConnection c, ReplayPage page)
    {
        c.SkippedThrough = page.SkippedThrough;
        return c.Output.Framed(
            ControlFrames.Skipped(page.Epoch, page.Skipped!.From, page.Skipped.To, page.Skipped.Count)
        );
    }

    private void Drop(StreamConnection c)
    {
        if (c.Page is { } page)
            replay.Pages.GiveBack(page);
        c.Page = null;
    }
}
