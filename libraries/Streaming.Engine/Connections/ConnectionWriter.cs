using EventStore;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Metrics;
using Streaming.Replay;

namespace Streaming.Connections;

/// <summary>Writes to each connection of one loop until the connection is caught up, busy or ended. Used by the loop's
/// thread; a delivery costs one write and no allocation.</summary>
/// <remarks>
/// A connection takes the first of these steps that is due, again and again:
/// 1. Its end, if that waited until the output took its last write.
/// 2. What comes before events: the greeting, a resync, a gap that is announced.
/// 3. A new epoch.
/// 4. Events, from its page or from memory.
/// </remarks>
internal sealed class ConnectionWriter(
    int loop,
    FilterRingRegistry rings,
    LoopConnections connections,
    CatchUpPages pages,
    SseOptions options,
    StreamingMetrics metrics,
    StoreClock clock
)
{
    public WriteBatch Batch { get; } = new(options.WriteBatchBytes);

    /// <summary>Pumps the connection. An unexpected failure ends this connection alone.</summary>
    public void TryPump(StreamConnection connection)
    {
        try
        {
            Pump(connection);
        }
        catch (Exception e)
        {
            Fail(connection, e);
        }
    }

    public void Pump(StreamConnection connection)
    {
        while (!connection.HasEnded && !connection.Output.Busy && WriteNext(connection)) { }
    }

    /// <summary>Takes the first step that is due; returns false if the connection waits, or has ended.</summary>
    private bool WriteNext(StreamConnection connection)
    {
        // 1. An end that waited until the output took its last write.
        if (connection.EndAfterWrite is { } ending)
        {
            End(connection, ending);
            return false;
        }

        // 2. What comes before events: the greeting, a resync, a gap that is announced.
        if (connection.TakeBeforeEvents() is { } opening)
        {
            if (!Write(connection, opening))
                return false;

            connection.RestartIdInterval();
            return true;
        }

        // 3. A new epoch.
        if (connection.Ring.Lineage is var lineage && connection.Epoch != lineage.Epoch)
            return ChangeEpoch(connection, lineage);

        // 4. Events, from its page, which may be awaited, or from memory.
        return connection.CatchUp?.Page is not null
            ? WritePage(connection)
            : connection.CatchUp?.Asked is null && WriteFromMemory(connection);
    }

    /// <summary>Continues the stream in the new epoch, at the same place or with a resync. Returns false if the stream
    /// has ended.</summary>
    private bool ChangeEpoch(StreamConnection connection, Lineage lineage)
    {
        // The client was told to skip events, and the new epoch lacks the newer events that were to follow.
        var lacksNewer =
            connection.OwesKeptEvents && !Has(lineage, connection.Epoch, connection.CatchUp!.SkippedThrough);
        if (!lacksNewer)
            GoBackToFork(connection, lineage);

        if (lacksNewer || lineage.Translate(connection.StreamPosition) is not { } here)
        {
            if (connection.IsFinite)
                End(connection, EndReason.Outdated);
            else
                Resync(connection, ResyncReason.Epoch, rings.Now.Settled);
            return !connection.IsFinite;
        }

        if (connection.CatchUp?.Page is { } page && !Has(lineage, page.Epoch, page.Through))
            pages.Abandon(connection);

        connection.ContinueIn(here.Epoch);
        return true;
    }

    /// <summary>Moves a stream back to the fork if the stream has only searched beyond the fork, and sent no event from
    /// there.</summary>
    private void GoBackToFork(StreamConnection connection, Lineage lineage)
    {
        if (
            lineage.Translate(connection.StreamPosition) is not null
            || lineage.SharedWith(connection.Epoch) is not { } shared
            || connection.EventSent > shared
        )
            return;

        var fork = new StreamPosition(lineage.Epoch, shared);
        if (connection.IdSent > shared)
            connection.BeforeEvents = connection.Output.Framed(
                ControlFrames.Position(connection.Ring.Filter.IdOf(fork))
            );

        MoveTo(connection, fork);
    }

    private void MoveTo(StreamConnection connection, StreamPosition at)
    {
        pages.Abandon(connection);
        connection.MoveTo(at);
    }

    /// <summary>Returns true if the lineage has everything up to a position of an epoch.</summary>
    private static bool Has(Lineage lineage, string epoch, long through) =>
        lineage.Translate(new StreamPosition(epoch, through)) is not null;

    private bool WriteFromMemory(StreamConnection connection)
    {
        // 1. Find the place in the ring, or ask for a page of what has left it.
        var settled = rings.Settled;
        var needsPlace = !connection.HasPlace || connection.Position > settled;
        if (connection.OwesKeptEvents || (needsPlace && !connection.TrySeek(settled)))
        {
            pages.Ask(connection);
            return false;
        }

        // A client ahead of this replica has no place in the ring yet. The place is sought again at the next event.
        if (!connection.HasPlace)
            return false;

        // 2. Skip to the newest events, if the client asked for that and is slow.
        if (
            connection.SlowPolicy == SlowClientPolicy.Latest
            && connection.Pace == ReaderPace.Slow
            && connection.Ring.Next - connection.Sequence > 1
        )
            return SkipToLatest(connection);

        // 3. Take what the ring has: the connection is no longer behind.
        connection.EndCatchUp();
        if (Batch.Take(connection.Ring, connection.Sequence) is not { } taken)
        {
            connection.LosePlace();
            return true;
        }

        if (taken == 0)
        {
            connection.CaughtUp();
            return false;
        }

        // 4. Write the frames, or first have the application form the events, which makes a page.
        if (connection.Shown is not null)
        {
            pages.ShowOwn(connection, Batch.ToPage());
            return true;
        }

        return WriteBatch(connection, taken);
    }

    private bool WritePage(StreamConnection connection)
    {
        var page = connection.CatchUp!.Page!;
        var index = connection.CatchUp.PageIndex;
        if (page.DroppedThrough > connection.Position)
        {
            Resync(connection, ResyncReason.Expired, connection.StreamPosition with { Position = page.DroppedThrough });
            connection.BeforeEvents = [.. connection.BeforeEvents!, .. CatchUpPages.Skipped(connection, page) ?? []];
            return true;
        }

        var taken = Batch.Take(page.Frames, index, pages.MostBytes(options.WriteBatchBytes));
        if (taken == 0)
        {
            pages.EndPage(connection);
            return true;
        }

        connection.CatchUp.PageIndex += taken;
        if (!WriteBatch(connection, fromRing: 0))
            return false;

        if (connection.Output.Busy)
            pages.ReleaseIfStalled(connection, isStalled: false);

        return true;
    }

    private bool WriteBatch(StreamConnection connection, int fromRing)
    {
        // A tick notices the end of the credential up to a second late: no event may be sent in that second.
        if (connection.Deadlines.HasExpired(clock.Local.Milliseconds()))
        {
            End(connection, EndReason.Unauthorized);
            return false;
        }

        if (!Write(connection, Batch.Bytes(connection.Output.Chunked), Batch))
            return false;

        var buckets = Batch.BucketsAt(clock.NowTicks, connection.ReceivedAt);
        connection.Sent(Batch, buckets, fromRing);
        metrics.Delivered(loop, buckets);

        if (!Batch.Ends)
            return true;

        End(connection, EndReason.Complete);
        return false;
    }

    /// <returns>False if the client is gone.</returns>
    public bool Write(StreamConnection connection, ReadOnlyMemory<byte> bytes, WriteBatch? batch = null)
    {
        var now = clock.Local.Milliseconds();
        if (!connection.Output.TryWrite(bytes, batch))
        {
            Abandon(connection, EndReason.ClientGone);
            return false;
        }

        connection.Wrote(bytes.Length, now);
        return true;
    }

    private void Resync(StreamConnection connection, ResyncReason reason, StreamPosition at)
    {
        var requested = connection.StreamPosition.ToString();

        // Expired events end where the page begins, so the page is kept. A new epoch needs another page.
        if (reason == ResyncReason.Epoch)
            MoveTo(connection, at);

        var frame = ControlFrames.Resync(reason, requested, connection.Ring.Filter.IdOf(at));
        connection.Resync(at.Position, connection.Output.Framed(frame));
        metrics.Resynced(reason);
    }

    /// <summary>Makes the waiting events a page with the newest of each key, announced by <c>skipped</c>.</summary>
    private bool SkipToLatest(StreamConnection connection)
    {
        var waiting = connection.Ring.ReadAll(connection.Sequence);
        if (waiting.Length == 0)
        {
            connection.LosePlace();
            return true;
        }

        var (kept, skipped) = NewestOfEachKey.Of(waiting);
        var last = waiting[^1];
        pages.ShowOwn(connection, new ReplayPage(last.Epoch, 0, kept, last.Position, skipped, last.Position));

        return true;
    }

    /// <summary>Takes the page that the connection asked for, or null if the page cannot be read.</summary>
    public void TakePage(StreamConnection connection, ReplayWaiter waiter, ReplayPage? page)
    {
        // The answer to a withdrawn request, which was made in an epoch that has ended since.
        if (waiter != connection.CatchUp?.Asked)
        {
            pages.Release(page);
            return;
        }

        connection.CatchUp.Asked = null;

        if (page is null)
        {
            End(connection, EndReason.Failed);
            return;
        }

        if (
            page.Epoch == connection.Epoch
            || (connection.Epoch == connection.Ring.Epoch && Has(connection.Ring.Lineage, page.Epoch, page.Through))
        )
            pages.Show(connection, page);
        else
        {
            pages.Release(page);
            // The feed has not reached the page's epoch; the ring wakes the connection when it has.
            if (!connection.Ring.Lineage.Knows(page.Epoch))
                return;
        }

        Pump(connection);
    }

    /// <summary>Ends the stream and the body, with its last frames if the client still reads.</summary>
    public void End(StreamConnection connection, EndReason reason)
    {
        if (reason == EndReason.Complete && connection.Output.Busy)
        {
            connection.EndOnceTaken(reason);
            return;
        }

        if (!connection.HasEnded && !connection.Output.Busy && Farewell(connection, reason) is { } farewell)
            Write(connection, connection.Output.Framed(farewell));
        if (reason != EndReason.ClientGone && !connection.HasEnded && !connection.Output.Busy)
            connection.Output.End();

        Abandon(connection, reason);
    }

    /// <summary>Ends a stream after an unexpected failure. The client resumes by its last id.</summary>
    public void Fail(StreamConnection connection, Exception error)
    {
        metrics.Failed(connection.Id, error);
        Abandon(connection, EndReason.Failed);
    }

    /// <summary>Ends the stream without a last frame.</summary>
    public void Abandon(StreamConnection connection, EndReason reason)
    {
        if (connection.HasEnded)
            return;
        pages.Abandon(connection);
        connections.Remove(connection);
        connection.MarkEnded(reason);
    }

    private byte[]? Farewell(StreamConnection connection, EndReason reason) =>
        reason switch
        {
            EndReason.Drained or EndReason.Aged or EndReason.TooSlow or EndReason.Stalled or EndReason.Outdated =>
                ControlFrames.Retry(ReconnectionTime.Next(options, isShutdown: reason == EndReason.Drained)),
            EndReason.Failed => [.. ControlFrames.Unavailable, .. ControlFrames.Retry(ReconnectionTime.Next(options))],
            EndReason.Unauthorized or EndReason.Replaced => connection.Deadlines.RightEnd(reason),
            _ => null,
        };
}
