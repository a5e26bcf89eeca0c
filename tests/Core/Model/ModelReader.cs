using System.Globalization;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Opening;

namespace Core.Model;

/// <summary>A client that keeps its last id, and checks what it receives: the next matching event of the id's history,
/// or a resync if that history has lost its position.</summary>
/// <remarks>A reader of <c>slow=latest</c> may lack an event of an announced range, if a later one of the same topic
/// comes.</remarks>
internal sealed class ModelReader(ModelStore store, string[] topics, Func<string, bool> matches, SlowClientPolicy slow)
{
    private readonly List<(long From, long To)> _announced = [];
    private readonly HashSet<string> _owed = [];

    public string[] Topics => topics;

    /// <summary>The open stream and its replica, or null without one.</summary>
    public ModelReplica? Replica { get; private set; }
    private StreamConnection? _stream;
    private ModelOutput? _output;

    /// <summary>The last id that came, or null before the first.</summary>
    public StreamPosition? Last { get; private set; }

    /// <summary>The last event or resync that came, or the id with which the stream began.</summary>
    private StreamPosition _certain;

    public int Received { get; private set; }
    public int Resyncs { get; private set; }
    public int Skips => _announced.Count;

    /// <summary>Times that an id led the client back to a fork.</summary>
    public int Returns { get; private set; }

    /// <summary>Opens a stream, unless one is open.</summary>
    public void Open(ModelReplica replica)
    {
        if (_stream is { End: null })
            return;

        var filter = new StreamFilter(topics, [], [], NamedFormat.Always);
        var request = new StreamRequest(filter, new LastEventId(Last?.ToString(), Last), Slow: slow);
        if (replica.Open(request) is not { } start)
            return;

        var client = new StreamClient("", null, "", "");
        Replica = replica;
        _output = replica.NewOutput(this);
        _stream = replica.Connect(new StreamOpening(request, client, StreamGrant.Endless), start, _output);
    }

    /// <summary>Takes what the stream has sent. Returns false if nothing waits.</summary>
    public bool Take()
    {
        if (_output is not { Busy: true })
            return false;

        _output.Take();
        return true;
    }

    /// <summary>Disconnects.</summary>
    public void Drop()
    {
        // What a fork loses of a range that the client left in the middle, no server can tell it: not modelled.
        _owed.Clear();
        _output?.Leave();
        _stream?.RequestEnd(EndReason.ClientGone);
        _stream = null;
        _output = null;
        Replica = null;
    }

    public void Receive(StreamPosition id, int number)
    {
        var history = store.Of(id.Epoch);
        var place = PlaceIn(history);
        if (id.Position <= place)
            throw new ModelException(ModelFlaw.Duplicate, $"after {Last} came {id} again");

        var record = history.Events.Find(e => e.Position == id.Position && matches(e.Topic));
        if (record is null || int.Parse(record.Data.Span, CultureInfo.InvariantCulture) != number)
            throw new ModelException(ModelFlaw.Untrue, $"after {Last} came {id} ({number}), which is not there");

        Pass(history, place, id with { Position = id.Position - 1 });
        _owed.Remove(record.Topic);
        Last = _certain = id;
        Received++;
    }

    /// <summary>The stream announces that it leaves out events, of which it has sent none.</summary>
    public void Skip(StreamPosition from, StreamPosition to, int count)
    {
        var within = store
            .Of(from.Epoch)
            .Events.Where(e => from.Position <= e.Position && e.Position <= to.Position && matches(e.Topic))
            .ToList();
        if (
            from.Position <= _certain.Position
            || count < 1
            || count > within.Count
            || within[0].Position != from.Position
            || within[^1].Position != to.Position
        )
            throw new ModelException(ModelFlaw.Untrue, $"at {Last} {from} to {to} left out {count} of {within.Count}");

        _announced.Add((from.Position, to.Position));
    }

    /// <summary>Checks that the reader has every event up to a position, or was told why not.</summary>
    private void Pass(ModelHistory history, long place, StreamPosition through)
    {
        foreach (var record in history.Events)
        {
            if (record.Position <= place || record.Position > through.Position || !matches(record.Topic))
                continue;
            if (!_announced.Exists(range => range.From <= record.Position && record.Position <= range.To))
                throw new ModelException(
                    ModelFlaw.Lost,
                    $"after {Last} the event {record.Position} was passed at {through}"
                );

            _owed.Add(record.Topic);
        }
    }

    /// <summary>A frame with only an id, as the first one of a stream has it too.</summary>
    public void Advance(StreamPosition id, bool isFirst = false)
    {
        if (Last is not null && !isFirst)
        {
            var history = store.Of(id.Epoch);
            // An open stream goes back to the fork where its client has only the id of the head from beyond it.
            var place = HasEventsBeyondFork(history) ? PlaceIn(history) : _certain.Position;
            Pass(history, place, id);
            Returns += id.Position < Last.Value.Position ? 1 : 0;
        }
        else if (Last is not null && Last != id)
            throw new ModelException(ModelFlaw.Untrue, $"the stream starts after {id}, the client is at {Last}");

        if (isFirst || Last is null)
            _certain = id;

        Last = id;
    }

    public void Resync(ResyncReason reason, StreamPosition to, bool isOpen)
    {
        var history = store.Of(to.Epoch);
        var shared = history.SharedWith(Last!.Value.Epoch);
        var isTrue = reason switch
        {
            // Never back into an epoch that the client's has followed.
            // Of one that was told to skip events, the newer ones may be lost.
            ResyncReason.Epoch => isOpen
                ? HasEventsBeyondFork(history) || _announced.Count > 0
                : Last.Value.Position > shared,
            ResyncReason.Expired => shared >= Last.Value.Position
                && Last.Value.Position < to.Position
                && to.Position <= store.DroppedThrough,
            _ => false,
        };
        if (!isTrue)
            throw new ModelException(
                ModelFlaw.UntrueResync,
                $"at {Last} a resync ({reason}) to {to}, which has {shared} in common"
            );

        // A range that was announced before the rest of it expired is not announced again.
        if (reason != ResyncReason.Expired)
            _announced.Clear();

        _owed.Clear();
        Last = _certain = to;
        Resyncs++;
    }

    /// <summary>Checks, when nothing is under way any more, that no event is missing.</summary>
    public void End()
    {
        if (Last is not null && store.Now.After(PlaceIn(store.Now), matches) is { } missing)
            throw new ModelException(ModelFlaw.Lost, $"at {Last} the event {missing.Position} never came");
        if (_owed.Count > 0)
            throw new ModelException(ModelFlaw.Lost, $"at {Last} no newer event of {_owed.First()} ever came");
    }

    private bool HasEventsBeyondFork(ModelHistory history) =>
        _certain.Position > history.SharedWith(_certain.Epoch) || history.SharedWith(_certain.Epoch) is null;

    /// <summary>The client's place in a history. A later epoch's id is good in an earlier one too, up to the fork: a
    /// ring may hold frames of both.</summary>
    private long PlaceIn(ModelHistory history)
    {
        var shared = history.SharedWith(Last!.Value.Epoch) ?? store.Of(Last.Value.Epoch).SharedWith(history.Epoch);
        if (Last.Value.Position <= shared)
            return Last.Value.Position;
        throw new ModelException(ModelFlaw.NoResync, $"{Last} goes on in {history.Epoch} without a resync");
    }
}

/// <summary>A reader received something wrong.</summary>
internal sealed class ModelException(ModelFlaw flaw, string message) : Exception(message)
{
    public ModelFlaw Flaw => flaw;
}

internal enum ModelFlaw
{
    /// <summary>An event that the reader lacks was left out.</summary>
    Lost,

    /// <summary>An event came again, or after a later one.</summary>
    Duplicate,

    /// <summary>An event or a first id came that its epoch does not have there.</summary>
    Untrue,

    /// <summary>A resync came although nothing was lost.</summary>
    UntrueResync,

    /// <summary>A reader beyond a fork went on without a resync.</summary>
    NoResync,

    /// <summary>The replica was busy without end.</summary>
    Endless,
}
