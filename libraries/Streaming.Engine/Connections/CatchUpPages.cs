using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Replay;

namespace Streaming.Connections;

/// <summary>Pages of one loop's lagging connections. A connection holds a page only while its client reads, and gets
/// small pages after its client did not read, so that a slow client costs little memory.</summary>
/// <param name="answered">Called from any thread with the result of a read.</param>
internal sealed class CatchUpPages(
    IReplay replay,
    PendingWriteBudget pending,
    Action<StreamConnection, ReplayWaiter, ReplayPage?> answered
)
{
    public bool IsFull => replay.Pages.IsFull;

    public void Ask(StreamConnection connection)
    {
        var catchUp = connection.BeginCatchUp();
        var range = new ReplayRange(
            connection.Ring.Filter,
            connection.Position,
            Newest: connection.SlowPolicy == SlowClientPolicy.Latest && connection.Pace != ReaderPace.KeepsUp,
            IsSmall: catchUp.HasStalled,
            Through: connection.OwesKeptEvents ? catchUp.SkippedThrough : null
        );

        catchUp.Asked = new ReplayWaiter(
            range,
            (waiter, page) => Answer(connection, waiter, page),
            connection.Client.Key,
            catchUp.IsSearching
        );
        replay.Read(catchUp.Asked, connection.Epoch);
    }

    /// <summary>Holds a page of frames from memory, and makes it the next to be sent. If the application forms the
    /// events, it does so first.</summary>
    public void ShowOwn(StreamConnection connection, ReplayPage page)
    {
        replay.Pages.Take(page);
        if (connection.Shown is null)
        {
            Show(connection, page);
            return;
        }

        var catchUp = connection.BeginCatchUp();
        catchUp.Asked = new ReplayWaiter(default, (waiter, formed) => answered(connection, waiter, formed));
        Answer(connection, catchUp.Asked, page);
    }

    /// <summary>Posts a held page for a waiter. If the application forms the events, it does so first.</summary>
    private void Answer(StreamConnection connection, ReplayWaiter waiter, ReplayPage? page)
    {
        if (page is null || connection.Shown is not { } shown)
            answered(connection, waiter, page);
        else
            shown.Form(page, replay.Pages, () => connection.HasEnded, formed => answered(connection, waiter, formed));
    }

    /// <summary>Makes a held page the next to be sent, after a frame that announces any gap.</summary>
    public void Show(StreamConnection connection, ReplayPage page)
    {
        ReleasePage(connection);
        var catchUp = connection.BeginCatchUp();
        catchUp.Page = page;
        catchUp.PageIndex = 0;
        catchUp.IsSearching = page.IsSearch;

        // An expired position is reported first.
        if (page.DroppedThrough <= connection.Position)
            connection.BeforeEvents = Skipped(connection, page) ?? connection.BeforeEvents;
    }

    /// <summary>Returns the maximum bytes of a write, which is smaller while memory for pending writes is
    /// scarce.</summary>
    public int MostBytes(int usual) => pending.IsScarce ? Math.Min(usual, ReplayRange.SmallBytes) : usual;

    public void EndPage(StreamConnection connection)
    {
        connection.SearchedThrough(connection.CatchUp!.Page!.Through);
        ReleasePage(connection);
    }

    /// <summary>Releases the page of a busy connection; its position is sought again when the client reads.</summary>
    /// <param name="isStalled">True if the connection has been busy for some time. Otherwise it loses its page only if
    /// memory for pages is scarce.</param>
    public void ReleaseIfStalled(StreamConnection connection, bool isStalled)
    {
        // A client with slow=disconnect is soon disconnected, and at once if memory for pages is full.
        if (
            connection.CatchUp?.Page is null
            || connection.SlowPolicy == SlowClientPolicy.Disconnect
            || !(isStalled || replay.Pages.IsScarce)
        )
            return;

        connection.CatchUp.HasStalled = true;
        ReleasePage(connection);
    }

    /// <summary>Releases a page that is no longer awaited, or belongs to another epoch.</summary>
    public void Release(ReplayPage? page)
    {
        if (page is not null)
            replay.Pages.Release(page);
    }

    public void Abandon(StreamConnection connection)
    {
        if (connection.CatchUp is not { } catchUp)
            return;

        if (catchUp.Asked is { } asked)
            replay.Cancel(asked);

        catchUp.Asked = null;
        ReleasePage(connection);
    }

    /// <summary>Returns the frame that announces the page's gap, or null if the page has none. Marks the gap as
    /// announced.</summary>
    public static byte[]? Skipped(StreamConnection connection, ReplayPage page)
    {
        if (page.Skipped is not { } skipped)
            return null;

        connection.CatchUp!.SkippedThrough = page.SkippedThrough;
        return connection.Output.Framed(ControlFrames.Skipped(page.Epoch, skipped.From, skipped.To, skipped.Count));
    }

    /// <summary>Releases the page. The connection's place in the ring must then be sought again.</summary>
    private void ReleasePage(StreamConnection connection)
    {
        if (connection.CatchUp?.Page is not { } page)
            return;

        replay.Pages.Release(page);
        connection.CatchUp.Page = null;
        connection.LosePlace();
    }
}
