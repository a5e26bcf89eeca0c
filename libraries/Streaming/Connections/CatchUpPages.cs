using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Replay;

namespace Streaming.Connections;

/// <summary>
/// Store pages of one writer loop's connections that lag behind their rings. A connection holds a page only while its
/// client reads, and the next page is as long as the part that the client took of the last, so a slow client costs no
/// memory. Not thread-safe.
/// </summary>
/// <param name="replay">Reads the pages.</param>
/// <param name="pending">Decides if writes must be small.</param>
/// <param name="answered">Called from any thread with the result of a read.</param>
internal sealed class CatchUpPages(
    IReplay replay,
    PendingWrites pending,
    Action<StreamConnection, ReplayWaiter, ReplayPage?> answered
)
{
    /// <summary>Events of the first page.</summary>
    private const int FirstEvents = 128;

    /// <summary>Events of the smallest page.</summary>
    private const int MinEvents = 16;

    /// <summary>Number of events from which a page has the store's full length.</summary>
    private const int WholeEvents = 1_024;

    /// <summary>Bytes of a page for each of its events.</summary>
    private const int BytesOfEvent = 2 * 1024;

    /// <summary>
    /// Maximum bytes of a write to a stalled connection: the part that it does not take is kept in memory.
    /// </summary>
    private const int StalledWriteBytes = 16 * 1024;

    /// <summary>True while the budget allows no further page.</summary>
    public bool IsFull => replay.Pages.IsFull;

    public void Ask(StreamConnection c)
    {
        if (c.PageEvents == 0)
            c.PageEvents = FirstEvents;
        int? most = c.PageEvents >= WholeEvents ? null : c.PageEvents;
        var range = new ReplayRange(
            c.Log.Filter,
            c.Position,
            c.Slow == SlowReader.Latest && !c.HasKeptUp,
            most,
            most * BytesOfEvent,
            c.SkipsUnread ? c.SkippedThrough : null
        );
        c.Asked = new ReplayWaiter(range, (waiter, page) => answered(c, waiter, page), c.Client.Key, c.IsSearching);
        replay.Read(c.Asked, c.Epoch);
    }

    /// <summary>Holds a page that was made from frames in memory, and makes it the next to be sent.</summary>
    public void ShowOwn(StreamConnection c, ReplayPage page)
    {
        replay.Pages.Hold(page);
        Show(c, page);
    }

    /// <summary>Releases a page that is no longer awaited, or belongs to another epoch.</summary>
    public void Return(ReplayPage? page)
    {
        if (page is not null)
            replay.Pages.GiveBack(page);
    }

    /// <summary>Makes a held page the next to be sent, after a frame that announces any gap.</summary>
    public void Show(StreamConnection c, ReplayPage page)
    {
        Drop(c);
        c.Page = page;
        c.PageIndex = 0;
        c.IsSearching = page.IsSearch;
        if (page.Skipped is not null && page.DroppedThrough <= c.Position)
            c.Opening = Skipped(c, page); // an expired position is reported first
    }

    /// <summary>Releases a written page. The connection continues after it, with a longer one.</summary>
    public void Finish(StreamConnection c)
    {
        var through = c.Page!.Through;
        Drop(c);
        c.Sequence = -1;
        c.Position = Math.Max(c.Position, through);
        c.PageEvents = Math.Min(c.PageEvents * 2, WholeEvents);
    }

    /// <summary>
    /// Releases memory of a connection whose client does not read. Its position is sought again when the client
    /// continues.
    /// </summary>
    /// <param name="c">The connection, whose output is busy.</param>
    /// <param name="isStalled">True: busy for some time. False: it loses its page only if memory for pages is
    /// short.</param>
    public void Relieve(StreamConnection c, bool isStalled)
    {
        if (c.Slow == SlowReader.Disconnect)
            return; // its client is disconnected soon, at once if memory is short
        if (c.Page is not null && (isStalled || replay.Pages.IsScarce))
        {
            c.HasStalled = true;
            c.PageEvents = Math.Max(MinEvents, c.PageIndex);
            Drop(c);
            c.Sequence = -1;
        }
    }

    /// <summary>Resets the page size of a connection that is fed from memory again.</summary>
    public static void CaughtUp(StreamConnection c)
    {
        if (c.PageEvents == 0)
            return;

        c.HasStalled = false;
        c.PageEvents = 0;
        c.IsSearching = null;
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

    /// <summary>Returns the frame that announces a gap, and marks the gap as announced.</summary>
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
