using EventStore;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Replay;

namespace Streaming.Connections;

/// <summary>Writes to each connection of one loop until it is caught up, busy or ended. Used by the loop's thread; a
/// delivery costs one write and no allocation.</summary>
internal sealed class ConnectionWriter(
    int loop,
    FilterRingRegistry logs,
    LoopConnections connections,
    CatchUpPages pages,
    StreamingOptions options,
    StreamingMetrics metrics,
    StoreClock clock
)
{
    public WriteBatch Batch { get; } = new(options.WriteBatchBytes);

    /// <summary>Pumps; an unexpected failure ends this connection alone.</summary>
    public void TryPump(StreamConnection c)
    {
        try
        {
            Pump(c);
        }
        catch (Exception e)
        {
            Fail(c, e);
        }
    }

    public void Pump(StreamConnection c)
    {
        while (c.End is null && !c.Output.Busy && WriteNext(c)) { }
    }

    /// <summary>Takes the first step that is due; returns false if the connection waits, or has ended.</summary>
    private bool WriteNext(StreamConnection c)
    {
        if (c.Ending is { } ending)
        {
            End(c, ending);
            return false;
        }

        if (c.Opening is { } opening)
        {
            c.Opening = null;
            if (!Write(c, opening))
                return false;

            c.IdSentAt = c.WrittenAt;
            return true;
        }

        if (c.Log.Lineage is var lineage && !ReferenceEquals(c.Epoch, lineage.Epoch) && c.Epoch != lineage.Epoch)
            return ChangeEpoch(c, lineage);

        return c.Source switch
        {
            NextFrames.Page => WritePage(c),
            NextFrames.AwaitedPage => false,
            _ => WriteFromMemory(c),
        };
    }

    /// <summary>Continues in the new epoch, at its place or with a resync; returns false if the stream ended.</summary>
    private bool ChangeEpoch(StreamConnection c, Lineage lineage)
    {
        // It was told to skip events, and this epoch does not have the newer ones that were to follow.
        var lacksNewer = c.SkipsUnread && !Has(lineage, c.Epoch, c.CatchUp!.SkippedThrough);
        if (!lacksNewer)
            GoBackToFork(c, lineage);

        if (lacksNewer || lineage.Translate(c.StreamPosition) is not { } here)
        {
            if (c.IsFinite)
                End(c, EndReason.Outdated);
            else
                Resync(c, ResyncReason.Epoch, logs.Now.Settled);
            return !c.IsFinite;
        }

        if (c.CatchUp?.Page is { } page && !Has(lineage, page.Epoch, page.Through))
            pages.Abandon(c);
        c.Epoch = here.Epoch;
        return true;
    }

    /// <summary>Takes a stream back to the fork, if it only searched beyond it and sent no event from there.</summary>
    private void GoBackToFork(StreamConnection c, Lineage lineage)
    {
        if (
            lineage.Translate(c.StreamPosition) is not null
            || lineage.SharedWith(c.Epoch) is not { } shared
            || c.EventSent > shared
        )
            return;

        if (c.IdSent > shared)
            c.Opening = c.Output.Framed(ControlFrames.IdOnly(new StreamPosition(lineage.Epoch, shared)));
        MoveTo(c, new StreamPosition(lineage.Epoch, shared));
        c.IdSent = Math.Min(c.IdSent, shared);
    }

    /// <summary>Goes on at another place, where nothing is known of what was asked or announced before.</summary>
    private void MoveTo(StreamConnection c, StreamPosition at)
    {
        pages.Abandon(c);
        c.CatchUp = null;
        c.Epoch = at.Epoch;
        c.Position = at.Position;
        c.Sequence = -1;
    }

    /// <summary>Returns true if the lineage has everything up to a position of an epoch.</summary>
    private static bool Has(Lineage lineage, string epoch, long through) =>
        lineage.Translate(new StreamPosition(epoch, through)) is not null;

    private bool WriteFromMemory(StreamConnection c)
    {
        var settled = logs.Settled;
        var needsPlace = c.Sequence < 0 || c.Position > settled;
        if (c.SkipsUnread || (needsPlace && !c.Log.TrySeek(c.Position, settled, out c.Sequence)))
        {
            pages.Ask(c);
            return false;
        }

        // The client is ahead of this replica: its place is sought again at the next event. No event waits yet.
        if (c.Sequence < 0)
            return false;

        if (c.Slow == SlowClientPolicy.Latest && c.Pace == ReaderPace.Slow && c.Log.Next - c.Sequence > 1)
            return SkipToLatest(c);

        c.CatchUp = null;
        var taken = Batch.Take(c.Log, c.Sequence);
        if (taken == 0)
            c.Pace = ReaderPace.KeepsUp;
        if (taken < 0)
            c.Sequence = -1; // the ring has moved on
        if (taken <= 0)
            return taken < 0;

        if (!WriteBatch(c))
            return false;

        c.Sequence += taken;
        return true;
    }

    private bool WritePage(StreamConnection c)
    {
        var (page, index) = (c.CatchUp!.Page!, c.CatchUp.PageIndex);
        if (page.DroppedThrough > c.Position)
        {
            Resync(c, ResyncReason.Expired, c.StreamPosition with { Position = page.DroppedThrough });
            c.Opening = [.. c.Opening!, .. CatchUpPages.Skipped(c, page) ?? []];
            return true;
        }

        var taken = Batch.Take(page.Frames, index, pages.MostBytes(options.WriteBatchBytes));
        if (taken == 0)
        {
            pages.EndPage(c);
            return true;
        }

        c.CatchUp.PageIndex += taken;
        if (!WriteBatch(c))
            return false;

        if (c.Output.Busy)
            pages.ReleaseIfStalled(c, isStalled: false);
        return true;
    }

    private bool WriteBatch(StreamConnection c)
    {
        // A tick notices the end up to a second late; events must not be read until then.
        if (clock.Local.Milliseconds() >= c.Expiry.EndsAt)
        {
            End(c, EndReason.Unauthorized);
            return false;
        }
        if (!Write(c, Batch.Bytes(c.Output.Chunked), Batch))
            return false;
        var buckets = Batch.BucketsAt(clock.NowTicks, c.ReceivedAt);
        foreach (var bucket in buckets)
            c.Latency.Add(bucket);
        c.Delivered += Batch.Count;
        // The frame's epoch, not the log's: a new one may have begun since the frame was taken.
        c.Epoch = Batch.LastEpoch;
        c.Position = Batch.LastPosition;
        c.EventSent = c.IdSent = Batch.LastPosition;
        c.IdSentAt = c.WrittenAt;
        metrics.Delivered(loop, buckets);
        if (!Batch.Ends)
            return true;
        End(c, EndReason.Complete);
        return false;
    }

    /// <returns>False if the client is gone.</returns>
    public bool Write(StreamConnection c, ReadOnlyMemory<byte> bytes, WriteBatch? batch = null)
    {
        c.WrittenAt = clock.Local.Milliseconds();
        if (!c.Output.TryWrite(bytes, batch))
        {
            Abandon(c, EndReason.ClientGone);
            return false;
        }
        if (!c.Output.Busy)
            c.TakenAt = c.WrittenAt;
        c.Bytes += bytes.Length;
        return true;
    }

    private void Resync(StreamConnection c, ResyncReason reason, StreamPosition at)
    {
        var requested = c.StreamPosition.ToString();
        // A page of this epoch begins where the dropped events end.
        if (reason == ResyncReason.Epoch)
            MoveTo(c, at);
        c.Position = c.EventSent = c.IdSent = at.Position;
        c.Opening = c.Output.Framed(ControlFrames.Resync(reason, requested, at));
        metrics.Resynced(reason);
    }

    /// <summary>Makes the waiting events a page with the newest of each key, announced by <c>skipped</c>.</summary>
    private bool SkipToLatest(StreamConnection c)
    {
        var waiting = c.Log.ReadAll(c.Sequence);
        if (waiting.Length == 0)
        {
            c.Sequence = -1; // the ring has moved on
            return true;
        }

        var (kept, skipped) = NewestOfEachKey.Of(waiting);
        var last = waiting[^1];
        pages.ShowOwn(c, new ReplayPage(last.Epoch, 0, kept, last.Position, skipped, last.Position));
        return true;
    }

    /// <summary>Takes the requested page; null: it cannot be read.</summary>
    public void TakePage(StreamConnection c, ReplayWaiter waiter, ReplayPage? page)
    {
        // An answer to a withdrawn request: it was made in an epoch that has ended since.
        if (waiter != c.CatchUp?.Asked)
        {
            pages.Release(page);
            return;
        }

        c.CatchUp.Asked = null;
        if (page is null)
        {
            End(c, EndReason.Failed);
            return;
        }
        if (page.Epoch == c.Epoch || (c.Epoch == c.Log.Epoch && Has(c.Log.Lineage, page.Epoch, page.Through)))
            pages.Show(c, page);
        else
        {
            pages.Release(page);
            // The feed has not reached the page's epoch; the log wakes the connection when it has.
            if (!c.Log.Lineage.Knows(page.Epoch))
                return;
        }
        Pump(c);
    }

    /// <summary>Ends the stream and the body, with its last frames if the client still reads.</summary>
    public void End(StreamConnection c, EndReason reason)
    {
        if (reason == EndReason.Complete && c.Output.Busy)
        {
            c.Ending = reason;
            return;
        }
        if (c.End is null && !c.Output.Busy && Farewell(c, reason) is { } farewell)
            Write(c, c.Output.Framed(farewell));
        if (reason != EndReason.ClientGone && c.End is null && !c.Output.Busy)
            c.Output.End();
        Abandon(c, reason);
    }

    /// <summary>Ends a stream of which a step has failed unexpectedly. Its client resumes by its last id.</summary>
    public void Fail(StreamConnection c, Exception error)
    {
        metrics.Failed(c, error);
        Abandon(c, EndReason.Failed);
    }

    /// <summary>Ends the stream without a last frame.</summary>
    public void Abandon(StreamConnection c, EndReason reason)
    {
        if (c.End is not null)
            return;
        pages.Abandon(c);
        connections.Remove(c);
        c.MarkEnded(reason);
    }

    private byte[]? Farewell(StreamConnection c, EndReason reason) =>
        reason switch
        {
            EndReason.Drained or EndReason.Aged or EndReason.TooSlow or EndReason.Stalled or EndReason.Outdated =>
                ControlFrames.Retry(options.NextRetry()),
            EndReason.Failed => [.. ControlFrames.Unavailable, .. ControlFrames.Retry(options.NextRetry())],
            EndReason.Unauthorized => ControlFrames.Unauthorized("expired", c.Expiry.Until),
            EndReason.Replaced => ControlFrames.Unauthorized("replaced", c.Expiry.Until),
            _ => null,
        };
}
