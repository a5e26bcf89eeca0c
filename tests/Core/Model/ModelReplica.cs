using EventStore;
using Harness;
using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Feed;
using Streaming.Opening;

namespace Core.Model;

/// <summary>A replica: <see cref="RelayQueue"/>, <see cref="FeedCore"/>, <see cref="FilterRingRegistry"/> and a
/// <see cref="WriterLoop"/>. The model reads the store for them, and takes their turns in any order.</summary>
internal sealed class ModelReplica : IDisposable
{
    /// <summary>Far more than the log has pages.</summary>
    private const int MostReads = 1_000;

    private static readonly SseOptions Options = new()
    {
        Writers = 1,
        RingEvents = 6,
        RecentEvents = 6,
        WriteBatchBytes = 64,
        MaxWritePacingMilliseconds = 0,
        PositionSeconds = 1,
    };

    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(Options.RelayHeartbeatSeconds);

    private readonly ModelStore _store;
    private readonly ModelChance _chance;
    private readonly bool _isOfVersionBefore;
    private readonly ManualTime _clock = new();
    private readonly PendingWriteBudget _pending = new(Options.PendingWriteBytes, _ => { });
    private readonly RelayQueue _queue;
    private readonly DirectPages _direct;
    private readonly FeedCore _feed;
    private readonly Queue<CommittedEvents> _local = [];
    private (LogPage Head, StreamPosition Before)? _look;
    private bool _isStalled;

    public ModelReplica(ModelStore store, ModelChannel channel, ModelChance chance)
    {
        _store = store;
        _chance = chance;
        Channel = channel;
        Direct = new ModelChannel(chance);
        _isOfVersionBefore = chance.OneIn(4);
        Rings = new FilterRingRegistry(Microsoft.Extensions.Options.Options.Create(Options), _clock);
        Replay = new ModelReplay(this, chance);
        Loop = new WriterLoop(0, Rings, Replay, Options, UnreadMetrics.Shared, new StoreClock(_clock), _pending);
        Rings.Appended += Loop.Grown;

        _queue = new RelayQueue(_clock);
        _direct = new DirectPages(Rings);
        _feed = new FeedCore(Rings, _direct, Silence, _clock, NullLogger.Instance);
        Subscribe();
        _feed.Start(store.LineageOf(store.Now.Epoch), store.HeadOf(store.Now), Options.RecentEvents);
        CatchUp();
    }

    public FilterRingRegistry Rings { get; }
    public WriterLoop Loop { get; }
    public ModelReplay Replay { get; }
    public ModelChannel Channel { get; }

    /// <summary>The pages that replicas send of their own commits.</summary>
    public ModelChannel Direct { get; }

    /// <summary>A former primary to which some connections of this replica still lead, or null if none does.</summary>
    public ModelHistory? CutOff { get; set; }

    /// <summary>True while the store does not answer this replica.</summary>
    public bool IsCutOff { get; set; }

    /// <summary>Anything that happens between a message and the read of its large event.</summary>
    public required Action BeforeLargeRead { get; init; }

    /// <summary>Pages that came before the Broadcaster's.</summary>
    public int Earlier { get; private set; }

    /// <summary>Pages that nobody needed.</summary>
    public int LeftOut { get; private set; }

    /// <summary>Reads that were given up, so that other readers did not wait for a large event.</summary>
    public int GivenUp { get; private set; }

    /// <summary>Returns where a stream with this id starts, or null if its client is to come back.</summary>
    public StartDecision? Open(StreamRequest request)
    {
        var (lineage, settled) = Rings.Now;
        if (StartDecision.WithoutStore(request, settled, lineage) is { } known)
            return known;
        if (IsCutOff)
            return StartDecision.WithStore(request, settled, lineage, stored: null);

        // A replica without the new epoch cannot tell a former primary's head from a recreated store's: not modelled.
        var server = lineage.Epoch == _store.Now.Epoch ? Server() : _store.Now;
        if (!lineage.Knows(server.Epoch))
            CatchUp();

        (lineage, settled) = Rings.Now;
        return StartDecision.WithStore(request, settled, lineage, new StreamPosition(server.Epoch, server.Head));
    }

    /// <summary>Gives the stream to the writer loop.</summary>
    public StreamConnection Connect(StreamOpening opening, StartDecision start, StreamOutput output)
    {
        var connection = opening.Connect(start, Rings, output, [], Options, _clock);
        connection.AfterEnd = () => Rings.Release(connection.Ring);
        Loop.Attach(connection);
        return connection;
    }

    public ModelOutput NewOutput(ModelReader reader) => new(reader, _pending, _chance);

    public void Committed(CommittedEvents commit) => _local.Enqueue(commit);

    public void Subscribe()
    {
        Channel.Subscribe();
        if (!_isOfVersionBefore)
            Direct.Subscribe();
    }

    public bool PublishLocal()
    {
        if (!_local.TryDequeue(out var local))
            return false;

        if (Rings.TryPublishNext(local))
            _direct.Advance();
        return true;
    }

    /// <summary>Takes a page of another replica, or its own. Returns false if there is none.</summary>
    public bool ReceiveDirect()
    {
        if (Direct.Take() is not { } message)
            return false;

        var before = Rings.Settled;
        _direct.Take(RelayFormat.Parse(message));
        Earlier += Rings.Settled > before ? 1 : 0;
        return true;
    }

    /// <summary>Takes a message of Redis. Returns false if there is none.</summary>
    public bool Receive()
    {
        if (Channel.Take() is not { } message)
            return false;

        _queue.Accept(RelayFormat.Parse(message));
        return true;
    }

    public void Advance(TimeSpan time) => _clock.Advance(time);

    public void Sweep()
    {
        _clock.Advance(Options.IdleRingLifetime);
        Rings.Sweep();
    }

    /// <summary>The feed takes the next message, or without messages a page of the store. Returns false if there is
    /// nothing new.</summary>
    public bool Feed()
    {
        if (_isStalled)
            CatchUp();
        if (_isStalled)
            return false;

        if (_queue.TryRead(out var page))
        {
            Apply(page);
            return true;
        }

        if (_feed.TimeLeft <= TimeSpan.Zero && !IsCutOff)
        {
            _feed.BeginFollowing();
            Apply(ReadAll());
        }

        return false;
    }

    public void BeginLook()
    {
        var before = Rings.Now.Settled;
        if (!IsCutOff)
            _look ??= (_store.HeadOf(Server()), before);
    }

    public void EndLook()
    {
        if (_isStalled || _look is not var (head, before))
            return;

        _look = null;
        if (_feed.Lacks(head, before))
            CatchUp();
    }

    /// <summary>Reads everything missing. Without the store, the feed does nothing else until it answers.</summary>
    public void CatchUp()
    {
        _isStalled = IsCutOff;
        if (_isStalled)
            return;

        LogPage page;
        var reads = 0;
        do
        {
            if (++reads == MostReads)
                throw new ModelException(ModelFlaw.Endless, "the feed reads without end");
            page = ReadAll();
        } while (!Apply(page) || page.Through < page.Head);
    }

    /// <summary>The server that answers: each connection may lead to another.</summary>
    public ModelHistory Server() => CutOff is { } former && _chance.OneIn(2) ? former : _store.Now;

    /// <summary>Reads a page for one stream.</summary>
    public LogPage Read(StreamFilter filter, long after)
    {
        bool Wants(string topic) => filter.Events.Topics.Any(p => TopicPattern.Matches(p, topic));
        return _store.Read(after, Wants, most: 4, of: Server());
    }

    public void Dispose()
    {
        Rings.Appended -= Loop.Grown;
        Loop.Dispose();
    }

    private LogPage ReadAll() => _store.Read(Rings.Settled, _ => true, of: Server());

    private void Apply(RelayPage page)
    {
        var step = _feed.Take(page);
        switch (step.Act)
        {
            case FeedAct.Look:
                BeginLook();
                break;
            case FeedAct.ReadGap or FeedAct.Refuse:
                CatchUp();
                break;
            case FeedAct.ReadLarge:
                if (TryRead())
                    break;
                GivenUp++;
                _feed.Publish(page, step.Events!);
                break;
            case FeedAct.LeaveOut:
                LeftOut++;
                break;
        }
    }

    /// <summary>Reads what a message lacks from the store, which may be given up after any step.</summary>
    private bool TryRead()
    {
        if (_chance.OneIn(8))
            BeforeLargeRead();
        for (var steps = _chance.Next(6) - 2; steps > 0 && !IsCutOff; steps--)
            if (ReadAll() is var read && Apply(read) && read.Through >= read.Head)
                return true;
        return false;
    }

    /// <summary>Publishes a page of the store. Returns false if the feed must read on.</summary>
    private bool Apply(LogPage page)
    {
        // The server that is asked for the lineage may be the former primary, which does not have the epoch.
        var isKnown = _feed.IsOfNewEpoch(page) && Server().SharedWith(page.Epoch) is not null;
        var fit = _feed.Take(page, isKnown ? _store.LineageOf(page.Epoch) : null);
        if (fit == PageFit.OfFormerPrimary && _chance.OneIn(2))
            CutOff = null;
        return fit == PageFit.Follows;
    }
}
