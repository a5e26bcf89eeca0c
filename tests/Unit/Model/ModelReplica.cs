using EventStore;
using Microsoft.Extensions.Options;
using Streaming;
using Streaming.Fanout;
using Streaming.Feed;
using Streaming.Frames;
using Streaming.Opening;
using Unit.Client;

namespace Unit.Model;

/// <summary>A replica: the real rings, order check and message format, and between them the steps of RedisIntake and
/// LiveFeed, which the model takes in any order.</summary>
internal sealed class ModelReplica
{
    private readonly ModelStore _store;
    private readonly ModelBug _bug;
    private readonly Random _random;
    private readonly ManualTime _clock = new();
    private readonly StreamingOptions _options = new()
    {
        Writers = 1,
        RingEvents = 8,
        RecentEvents = 16,
    };
    private readonly RelayOrder _order = new();
    private readonly Queue<RelayPage> _pages = [];
    private readonly Queue<(string Epoch, IReadOnlyList<EventRecord> Events)> _local = [];
    private (ModelPage Page, string Epoch)? _comparison;
    private long _fence;
    private bool _isStalled;

    public ModelReplica(ModelStore store, ModelChannel channel, Random random, ModelBug bug)
    {
        _store = store;
        _random = random;
        _bug = bug;
        Channel = channel;
        Logs = new FilterLogs(Options.Create(_options), _clock);

        channel.Subscribe();
        var head = store.Now.Head;
        Logs.Reset(Lineage(store.Now.Epoch), Math.Max(store.DroppedThrough, head - _options.RecentEvents));
        if (bug == ModelBug.StartWithoutReading)
            Logs.Publish([], head);
        CatchUp();
    }

    public FilterLogs Logs { get; }
    public ModelChannel Channel { get; }

    /// <summary>A former primary to which some connections of this replica still lead; null: none does.</summary>
    public ModelHistory? CutOff { get; set; }

    /// <summary>True while the store does not answer this replica.</summary>
    public bool IsCutOff { get; set; }

    /// <summary>Pages that nobody needed.</summary>
    public int LeftOut { get; private set; }

    /// <summary>Returns where a stream with this id starts; null if its client is to come back.</summary>
    public StartPosition? Open(StreamRequest request)
    {
        var (lineage, settled) = Logs.Now;
        if (_bug == ModelBug.ResumeBeyondFork)
            lineage = _store.LineageOf(lineage.Epoch, more: 1_000_000);
        if (StartPosition.WithoutStore(request, settled, lineage) is { } known)
            return known;
        if (IsCutOff)
            return StartPosition.WithStore(request, settled, lineage, stored: null);
        // A replica without the new epoch cannot tell a former primary's head from a recreated store's: not modelled.
        var server = lineage.Epoch == _store.Now.Epoch ? Server() : _store.Now;
        if (!lineage.Knows(server.Epoch))
            CatchUp();
        (lineage, settled) = Logs.Now;
        return StartPosition.WithStore(request, settled, lineage, new StreamId(server.Epoch, server.Head));
    }

    public void Committed(IReadOnlyList<EventRecord> events) => _local.Enqueue((_store.Now.Epoch, events));

    public bool PublishLocal()
    {
        if (!_local.TryDequeue(out var local))
            return false;
        if (_bug == ModelBug.PublishOverGap && local.Epoch == Logs.Epoch)
            Logs.Publish(local.Events, local.Events[^1].Position);
        else
            Logs.TryPublishNext(local.Epoch, local.Events);
        return true;
    }

    /// <summary>Subscribes again after Redis has forgotten the subscription.</summary>
    public void Subscribe()
    {
        if (Channel.Subscribe())
            BeginComparison();
    }

    /// <summary>Takes a message of Redis. Returns false if there is none.</summary>
    public bool Receive()
    {
        if (Channel.Take() is not { } message)
            return false;

        var page = RelayFormat.Parse(message);
        if (_order.Accept(page, _clock))
            _pages.Enqueue(page);
        return true;
    }

    public void Sweep()
    {
        _clock.Advance(_options.IdleLogLifetime);
        Logs.Sweep();
    }

    /// <summary>The feed takes the next message. Returns false if there is none.</summary>
    public bool Feed()
    {
        if (_isStalled)
            CatchUp();
        if (_isStalled || !_pages.TryDequeue(out var page))
            return false;

        if (page.Epoch == Logs.Epoch || (_bug == ModelBug.TakeFormerEpoch && Logs.Epochs.Lineage.Knows(page.Epoch)))
            Apply(page);
        else if (_comparison is null)
            BeginComparison();
        return true;
    }

    public void BeginComparison() => _comparison = IsCutOff || _isStalled ? _comparison : (ReadAll(), Logs.Epoch);

    public void EndComparison()
    {
        if (_isStalled)
            return;
        if (_comparison is var (page, epoch) && epoch == Logs.Epoch && !Apply(page) && !IsOfFormerPrimary(page))
            CatchUp();
        _comparison = null;
    }

    /// <summary>Reads everything missing. Without the store, the feed does nothing else until it answers.</summary>
    public void CatchUp()
    {
        _isStalled = IsCutOff;
        if (_isStalled)
            return;
        ModelPage page;
        do page = ReadAll();
        while (!Apply(page) || page.Through < page.Head);
    }

    /// <summary>The server that answers: each connection may lead to another.</summary>
    private ModelHistory Server() => CutOff is { } former && _random.Next(2) == 0 ? former : _store.Now;

    private ModelPage ReadAll() => _store.Read(Logs.Settled, _ => true, of: Server());

    private bool IsOfFormerPrimary(ModelPage page) =>
        page.Epoch != Logs.Epoch && Logs.Epochs.Lineage.Knows(page.Epoch) && _bug != ModelBug.BelieveFormerPrimary;

    /// <summary>A page for one stream; null if the store does not answer.</summary>
    public ReplayPage? ReadStore(StreamFilter filter, long after)
    {
        if (IsCutOff)
            return null;
        bool Wants(string topic) => filter.Events.Topics.Any(p => TopicPattern.Matches(p, topic));
        var page = _store.Read(after, Wants, most: 4, of: Server());
        return new(
            page.Epoch,
            page.DroppedThrough,
            [.. page.Events.Select(e => LogFrame.Of(page.Epoch, e, filter.Format))],
            page.Through
        );
    }

    private void Apply(RelayPage page)
    {
        if (page.Fence < _fence)
            return;

        _fence = page.Fence;
        if (_bug == ModelBug.PublishTwice && page.Last <= Logs.Settled && !page.Events.IsEmpty)
            PublishAgain(page.ReadEvents());
        if (page.Last <= Logs.Settled)
            return;

        if (page.Previous > Logs.Settled && !IgnoresPrevious(page))
            CatchUp();
        else if (TryLeaveOut(page))
            LeftOut++;
        else if (!TryRead())
            Publish(page);
    }

    private bool IgnoresPrevious(RelayPage page) =>
        _bug == (page.Events.IsEmpty ? ModelBug.HeartbeatSettles : ModelBug.IgnorePrevious);

    private bool TryLeaveOut(RelayPage page)
    {
        var tokens = _bug == ModelBug.TokenOfFirst ? page.FirstTokens?.Take(1).ToList() : page.FirstTokens;
        if (_bug != ModelBug.ForgetLeftOut)
            return Logs.TryLeaveOut(tokens, page.Last);

        if (!Logs.TryLeaveOut(tokens, Logs.Settled))
            return false;

        Logs.Publish([], page.Last);
        return true;
    }

    /// <summary>Reads what a message lacks from the store, which may be given up after any step.</summary>
    private bool TryRead()
    {
        for (var steps = _random.Next(6) - 2; steps > 0; steps--)
            if (ReadAll() is var read && Apply(read) && read.Through >= read.Head)
                return true;
        return false;
    }

    private void Publish(RelayPage page)
    {
        if (page.Epoch == Logs.Epoch || _bug is ModelBug.PublishInAnyEpoch or ModelBug.TakeFormerEpoch)
            Logs.Publish(page.Events.IsEmpty ? [] : page.ReadEvents(), page.Last);
    }

    /// <summary>Publishes a page of the store. Returns false if it does not follow what was published, or another
    /// server answers than before.</summary>
    private bool Apply(ModelPage page)
    {
        var follows = true;
        // The server that is asked for the lineage may be the former primary, which does not have the epoch.
        if (IsOfFormerPrimary(page) || (page.Epoch != Logs.Epoch && Server().SharedWith(page.Epoch) is null))
        {
            CutOff = _random.Next(2) == 0 ? null : CutOff;
            return false;
        }
        if (page.Epoch != Logs.Epoch)
        {
            var lineage = Lineage(page.Epoch);
            var former = Logs.Epoch;
            follows = Logs.TryContinue(lineage);
            if (!follows)
                Logs.Reset(lineage, lineage.SharedWith(former) ?? page.Head);
            _fence = 0;
        }
        // Events dropped meanwhile never come: streams before them must read the store and get a resync.
        if (page.DroppedThrough > Logs.Settled && _bug != ModelBug.FeedIgnoresRetention)
            Logs.Reset(Lineage(page.Epoch), page.DroppedThrough);
        if (follows)
            Logs.Publish(page.Events, page.Through);
        return follows;
    }

    private Lineage Lineage(string epoch) =>
        _store.LineageOf(
            epoch,
            _bug switch
            {
                ModelBug.CommonTooHigh => 1,
                ModelBug.KeepOldRing => 1_000_000,
                _ => 0,
            }
        );

    private void PublishAgain(IReadOnlyList<EventRecord> events)
    {
        foreach (var e in events)
        {
            var filter = new StreamFilter([e.Topic], [], [], PlainFormat.Named);
            var log = Logs.Acquire(filter);
            log.Append(LogFrame.Of(Logs.Epoch, e, filter.Format));
            Logs.Release(log);
        }
    }
}
