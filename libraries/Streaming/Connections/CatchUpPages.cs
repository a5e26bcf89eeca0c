using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Replay;

namespace Streaming.Connections;

/// <summary>Pages of one loop's lagging connections. A connection holds a page only while its client reads, and one
/// that did not gets small ones, so a slow client costs no memory.</summary>
/// <param name="answered">Called from any thread with the result of a read.</param>
internal sealed class CatchUpPages(
    IReplay replay,
    PendingWriteBudget pending,
    Action<StreamConnection, ReplayWaiter, ReplayPage?> answered
)
{
    public bool IsFull => replay.Pages.IsFull;

    public void Ask(StreamConnection c)
    {
        var catchUp = c.CatchUp ??= new CatchUp();
        var range = new ReplayRange(
            c.Log.Filter,
            c.Position,
            Newest: c.Slow == SlowClientPolicy.Latest && c.Pace != ReaderPace.KeepsUp,
            IsSmall: catchUp.HasStalled,
            Through: c.SkipsUnread ? catchUp.SkippedThrough : null
        );

        catchUp.Asked = new ReplayWaiter(
            range,
            (waiter, page) => answered(c, waiter, page),
            c.Client.Key,
            catchUp.IsSearching
        );
        replay.Read(catchUp.Asked, c.Epoch);
    }

    /// <summary>Holds a page that was made from frames in memory, and makes it the next to be sent.</summary>
    public void ShowOwn(StreamConnection c, ReplayPage page)
    {
        replay.Pages.Take(page);
        Show(c, page);
    }

    /// <summary>Makes a held page the next to be sent, after a frame that announces any gap.</summary>
    public void Show(StreamConnection c, ReplayPage page)
    {
        ReleasePage(c);
        var catchUp = c.CatchUp ??= new CatchUp();
        catchUp.Page = page;
        catchUp.PageIndex = 0;
        catchUp.IsSearching = page.IsSearch;

        // An expired position is reported first.
        if (page.DroppedThrough <= c.Position)
            c.Opening = Skipped(c, page) ?? c.Opening;
    }

    /// <summary>Maximum bytes of a write: what a client does not take is kept in memory.</summary>
    public int MostBytes(int usual) => pending.IsScarce ? Math.Min(usual, ReplayRange.SmallBytes) : usual;

    public void EndPage(StreamConnection c)
    {
        c.Position = Math.Max(c.Position, c.CatchUp!.Page!.Through);
        ReleasePage(c);
    }

    /// <summary>Releases the page of a busy connection; its position is sought again when the client reads.</summary>
    /// <param name="isStalled">True: busy for some time. False: it loses its page only if page memory is short.</param>
    public void ReleaseIfStalled(StreamConnection c, bool isStalled)
    {
        // A client that asked to be disconnected is so soon, at once if memory is short.
        if (c.CatchUp?.Page is null || c.Slow == SlowClientPolicy.Disconnect || !(isStalled || replay.Pages.IsScarce))
            return;

        c.CatchUp.HasStalled = true;
        ReleasePage(c);
    }

    /// <summary>Releases a page that is no longer awaited, or belongs to another epoch.</summary>
    public void Release(ReplayPage? page)
    {
        if (page is not null)
            replay.Pages.Release(page);
    }

    public void Abandon(StreamConnection c)
    {
        if (c.CatchUp is not { } catchUp)
            return;

        if (catchUp.Asked is { } asked)
            replay.Cancel(asked);
        catchUp.Asked = null;
        ReleasePage(c);
    }

    /// <summary>Returns the frame that announces a gap, and marks the gap as announced; null without one.</summary>
    public static byte[]? Skipped(StreamConnection c, ReplayPage page)
    {
        if (page.Skipped is not { } skipped)
            return null;

        c.CatchUp!.SkippedThrough = page.SkippedThrough;
        return c.Output.Framed(ControlFrames.Skipped(page.Epoch, skipped.From, skipped.To, skipped.Count));
    }

    /// <summary>Releases the page. The place in the ring must be sought again.</summary>
    private void ReleasePage(StreamConnection c)
    {
        if (c.CatchUp?.Page is not { } page)
            return;

        replay.Pages.Release(page);
        c.CatchUp.Page = null;
        c.Sequence = -1;
    }
}
