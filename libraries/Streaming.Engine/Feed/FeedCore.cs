using System.Diagnostics;
using EventStore;
using Streaming.Fanout;

namespace Streaming.Feed;

/// <summary>Decides what to do with each message and page, so that the rings get every event once, in order.</summary>
/// <remarks>It does no I/O: <see cref="LiveFeed"/> does. The properties are safe to read from any thread.</remarks>
/// <param name="silence">See <see cref="ILiveSource.Silence"/>.</param>
internal sealed class FeedCore(
    FilterRingRegistry rings,
    DirectPages direct,
    TimeSpan? silence,
    TimeProvider clock,
    ILogger logger
)
{
    private long _fence;
    private long _receivedAt = clock.GetTimestamp();
    private long _headSeen;
    private long _stalledAt;

    private StreamPosition _lookedAt;
    private volatile FeedMode _mode;
    private volatile bool _isStoreBehind;
    private bool _formerAnswered;

    public FeedMode Mode => _mode;

    /// <summary>Positions between the newest known head and the events published here.</summary>
    public long Lag => Math.Max(0, Volatile.Read(ref _headSeen) - rings.Settled);

    /// <summary>Time since the feed stopped for events that only the store has; zero if it has not.</summary>
    public TimeSpan StalledFor =>
        Volatile.Read(ref _stalledAt) is var since && since == 0 ? TimeSpan.Zero : clock.GetElapsedTime(since);

    /// <summary>True while Postgres lacks delivered events: open streams do not get the new events at these
    /// positions.</summary>
    public bool IsStoreBehind => _isStoreBehind;

    /// <summary>Time until messages count as missing, and zero or less from then on, until a message comes.</summary>
    public TimeSpan TimeLeft =>
        Mode != FeedMode.Degraded && silence is { } limit ? limit - clock.GetElapsedTime(_receivedAt) : TimeSpan.Zero;

    public void RestartTime() => _receivedAt = clock.GetTimestamp();

    /// <summary>Starts the rings some events before the head, for returning clients. The caller reads these
    /// events.</summary>
    public void Start(Lineage lineage, LogPage head, int recentEvents) =>
        rings.Reset(lineage, Math.Max(head.DroppedThrough, head.Head - recentEvents));

    public void BeginStall() => Interlocked.CompareExchange(ref _stalledAt, clock.GetTimestamp(), 0);

    /// <summary>Notes that the feed waits no longer.</summary>
    public void EndStall() => Volatile.Write(ref _stalledAt, 0);

    /// <summary>Notes that the store is followed, because no message comes or the source never has one.</summary>
    public void BeginFollowing()
    {
        if (silence is not { } limit)
        {
            _mode = FeedMode.Live;
            return;
        }

        if (Mode == FeedMode.Degraded)
            return;

        logger.LogWarning(
            "No heartbeat from the Broadcaster for {Seconds} s: reading the log from Postgres",
            limit.TotalSeconds
        );
        _mode = FeedMode.Degraded;
    }

    /// <summary>Publishes a message's events, leaves out events that no reader needs, or returns the step to take
    /// first.</summary>
    public FeedStep Take(RelayPage page)
    {
        RestartTime();

        if (Mode == FeedMode.Degraded)
            logger.LogInformation("Heartbeats come from the Broadcaster again: events come from Redis");

        _mode = FeedMode.Live;

        if (page.Epoch != rings.Epoch)
        {
            // A newer epoch, or a leader that has not noticed the change. Only the store can tell.
            if (!rings.Epochs.Lineage.Knows(page.Epoch))
                BeginStall();
            return new FeedStep(FeedAct.Look);
        }

        if (page.Fence < _fence)
            return default; // a deposed leader that still sends

        _fence = page.Fence;
        Volatile.Write(ref _headSeen, Math.Max(page.Last, _headSeen));

        if (page.Last <= rings.Settled)
            return default; // a heartbeat, or events committed here

        // A page was lost, or this replica started within a batch.
        if (page.Previous > rings.Settled)
            return new FeedStep(FeedAct.ReadGap);

        if (!rings.TryLeaveOut(page))
            return Read(page);

        direct.Advance();
        return new FeedStep(FeedAct.LeaveOut);
    }

    /// <summary>Publishes the events of a message, unless the feed has entered another epoch since the message
    /// came.</summary>
    public void Publish(RelayPage page, IReadOnlyList<EventRecord> events)
    {
        if (page.Epoch != rings.Epoch)
            return;

        using var span = EventTracing.StartBatch("sse fan-out", ActivityKind.Consumer, events, page.TraceParent);
        rings.Publish(events, page.Last);
        direct.Advance();
    }

    /// <summary>Returns true if <see cref="Take(LogPage, Lineage?)"/> needs the lineage of the page's
    /// epoch.</summary>
    public bool IsOfNewEpoch(LogPage page) => !rings.Epochs.Lineage.Knows(page.Epoch);

    /// <summary>Publishes a page. If the page begins an epoch that has everything published here, streams continue;
    /// else the rings start again after the last shared position, and streams beyond it get a resync.</summary>
    /// <param name="page">The page after <see cref="FilterRingRegistry.Settled"/>.</param>
    /// <param name="lineage">The lineage of a new epoch, or null if the server that was asked does not have it.</param>
    public PageFit Take(LogPage page, Lineage? lineage)
    {
        var isNewEpoch = page.Epoch != rings.Epoch;
        if (isNewEpoch && lineage is null)
        {
            BeginStall();
            IgnoreFormer(page);
            return PageFit.OfFormerPrimary;
        }

        if (!isNewEpoch)
            CompareHead(page.Head, page.Through);

        _formerAnswered = false;
        var follows = !isNewEpoch || Enter(lineage!, page.Head);
        EndStall();
        Volatile.Write(ref _headSeen, page.Head);

        // Events that retention has dropped cannot arrive. Streams before them read the store and get a resync.
        if (page.DroppedThrough > rings.Settled)
            rings.Reset(rings.Epochs.Lineage, page.DroppedThrough);
        if (!follows)
            return PageFit.Elsewhere;

        rings.Publish(page.Events, page.Through);
        direct.Advance();
        return PageFit.Follows;
    }

    /// <summary>Returns true if the store must be read, because Redis has lost events or never got them.</summary>
    /// <param name="before">Position through which events had been published before the head was read.</param>
    public bool Lacks(LogPage head, StreamPosition before)
    {
        if (IsOfNewEpoch(head))
            return true;

        if (head.Epoch != rings.Epoch)
        {
            IgnoreFormer(head);
            return false;
        }

        if (head.Epoch == before.Epoch)
            CompareHead(head.Head, before.Position);

        // Compares with the head of the previous look, because newer events may still be on their way.
        var lacks = _lookedAt.Epoch == head.Epoch && _lookedAt.Position > rings.Settled;
        _lookedAt = new StreamPosition(head.Epoch, head.Head);
        return lacks;
    }

    private FeedStep Read(RelayPage page)
    {
        IReadOnlyList<EventRecord> events;
        try
        {
            events = page.ReadEvents();
        }
        // Any exception, because a signed page may contain anything.
        catch (Exception e)
        {
            return new FeedStep(FeedAct.Refuse, Reason: e.Message);
        }

        if (rings.AnyWantsMore(events))
            return new FeedStep(FeedAct.ReadLarge, events);

        Publish(page, events);
        return default;
    }

    /// <summary>Logs, once until the present primary answers, that an old connection leads to a former
    /// primary.</summary>
    private void IgnoreFormer(LogPage page)
    {
        if (!_formerAnswered)
            logger.LogWarning("A former primary answers: what it says of epoch {Epoch} is ignored", page.Epoch);
        _formerAnswered = true;
    }

    /// <summary>Notices that Postgres was restored without a new epoch: within an epoch a head never goes
    /// back.</summary>
    /// <param name="published">A position that was published before the head was read.</param>
    private void CompareHead(long head, long published)
    {
        var isBehind = head < published || (_isStoreBehind && head < rings.Settled);
        if (isBehind && !_isStoreBehind)
            logger.LogCritical(
                "Postgres ends at position {Head}, but events up to {Settled} were delivered: it was restored without "
                    + "a new epoch, and open streams do not get its new events. Run eventstore.new_epoch() there",
                head,
                rings.Settled
            );

        _isStoreBehind = isBehind;
    }

    /// <returns>True if the streams continue.</returns>
    private bool Enter(Lineage lineage, long head)
    {
        _fence = 0; // fences restart in a recreated store
        _isStoreBehind = false;

        var former = rings.Epoch;

        if (rings.TryContinue(lineage))
        {
            logger.LogInformation(
                "The store's epoch changed from {Old} to {New}, which has every event delivered here: streams continue",
                former,
                lineage.Epoch
            );
            return true;
        }

        var shared = lineage.SharedWith(former);
        logger.LogWarning(
            "The store's epoch changed from {Old} to {New}, which has the events up to {Position} in common: streams "
                + "beyond it get a resync",
            former,
            lineage.Epoch,
            shared ?? 0
        );
        rings.Reset(lineage, shared ?? head);

        return false;
    }
}

/// <summary>The feed's next step for a message.</summary>
/// <param name="Events">The events of the message, if some of them are large.</param>
internal readonly record struct FeedStep(FeedAct Act, IReadOnlyList<EventRecord>? Events = null, string Reason = "");

internal enum FeedAct
{
    None,

    /// <summary>No reader needs the events.</summary>
    LeaveOut,

    /// <summary>Look at the store's head soon (<see cref="FeedCore.Lacks"/>).</summary>
    Look,

    /// <summary>Read the store through its head, because a message before this one was lost.</summary>
    ReadGap,

    /// <summary>Report the message, which cannot be read, and read the store through its head.</summary>
    Refuse,

    /// <summary>Read the store through its head, because a reader needs an event that is too large for Redis. If that
    /// fails, publish the message: only the readers of that event wait for it then.</summary>
    ReadLarge,
}

/// <summary>Relation of a page to what was published.</summary>
internal enum PageFit
{
    Follows,

    /// <summary>The page's epoch has other events: the feed must read on from the last shared position, or the new
    /// head.</summary>
    Elsewhere,

    /// <summary>The page is ignored: a connection from before a promotion still leads to the former primary.</summary>
    OfFormerPrimary,
}
