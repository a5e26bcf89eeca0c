using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Opening;

namespace Unit.Model;

/// <summary>Two replicas, a leader and a former one, Redis, the store and six readers, with events and faults in a
/// random order. Then all faults are repaired, and every reader is checked.</summary>
internal sealed class ModelWorld
{
    private static readonly (string[] Topics, Func<string, bool> Matches)[] Filters =
    [
        (["a.x"], t => t == "a.x"),
        (["b.x", "c.y"], t => t is "b.x" or "c.y"),
        (["*.x"], t => t.EndsWith(".x", StringComparison.Ordinal)),
        (["d.>"], t => t.StartsWith("d.", StringComparison.Ordinal)),
        ([">"], _ => true),
        (["e.x", "e.y"], t => t is "e.x" or "e.y"),
    ];

    private readonly Random _random;
    private readonly ModelBug _bug;
    private readonly ModelStore _store = new();
    private readonly ModelReplica[] _replicas = new ModelReplica[2];
    private readonly ModelReader[] _readers;
    private readonly List<(int Weight, Action Step)> _steps;
    private ModelLeader _leader;
    private ModelLeader? _former;
    private bool _redisAway;
    private (int Lost, int Repeated, int Overtaking) _treatment;

    private ModelWorld(int seed, ModelBug bug)
    {
        _random = new Random(seed);
        _bug = bug;
        _leader = NewLeader(1);
        for (var i = 0; i < _replicas.Length; i++)
            _replicas[i] = NewReplica();

        _readers = [.. Filters.Select(f => new ModelReader(_store, f.Topics, f.Matches))];
        _steps =
        [
            (12, Publish),
            (10, () => _leader.Relay(_random.Next(1, 6))),
            (3, () => _leader.SendHeartbeat()),
            (6, () => _former?.Relay(_random.Next(1, 4))),
            (30, () => Replica().Receive()),
            (20, () => Replica().Feed()),
            (8, () => Replica().PublishLocal()),
            (4, () => Replica().Subscribe()),
            (1, () => Replica().BeginComparison()),
            (2, () => Replica().EndComparison()),
            (1, () => Replica().CatchUp()),
            (1, () => Replica().Sweep()),
            (30, () => Reader().Stream?.Step()),
            (10, Read),
            (5, () => Reader().Stream?.Take()),
            (2, () => Replica().CutOff = null),
            (4, Tick),
            (4, () => Drop(Reader())),
            (8, () => Open(Reader(), Replica())),
            (2, Promote),
            (1, LoseRedis),
            (2, LoseStore),
            (2, LoseMessageAndStore),
            (1, Restart),
            (1, () => _store.Retain(_random.NextInt64(_store.Now.Head + 1))),
            (1, ChangeLeader),
            (1, Mistreat),
        ];
    }

    /// <summary>Plays a seed.</summary>
    /// <exception cref="ModelException">A reader lost an event, got it twice or out of order, or an untrue
    /// resync.</exception>
    public static ModelWorld Play(int seed, ModelBug bug = ModelBug.None)
    {
        var world = new ModelWorld(seed, bug);
        var total = world._steps.Sum(s => s.Weight);
        for (var i = 0; i < 250; i++)
        {
            var drawn = world._random.Next(total);
            world._steps.First(s => (drawn -= s.Weight) < 0).Step();
        }
        world.Heal();
        return world;
    }

    public int Received => _readers.Sum(r => r.Received);
    public int Resyncs => _readers.Sum(r => r.Resyncs);
    public int LeftOut => _replicas.Sum(r => r.LeftOut);
    public int Promotions => _store.Histories.Count - 1;

    private ModelReplica Replica() => _replicas[_random.Next(_replicas.Length)];

    private ModelReader Reader() => _readers[_random.Next(_readers.Length)];

    private void Publish()
    {
        var topics = Enumerable
            .Range(0, _random.Next(1, 5))
            .Select(_ => $"{"abcde"[_random.Next(5)]}.{"xy"[_random.Next(2)]}");
        var events = _store.Append([.. topics], skipsPosition: _random.Next(10) == 0);
        if (_random.Next(4) > 0)
            Replica().Committed(events);
    }

    private void Open(ModelReader reader, ModelReplica replica)
    {
        if (reader.Stream is not null)
            return;
        var filter = new StreamFilter(reader.Topics, [], [], PlainFormat.Named);
        var request = new StreamRequest(filter, new LastEventId(reader.Last?.ToString(), reader.Last));
        if (replica.Open(request) is not { } start)
            return;
        var stream = new ModelStream(replica, reader, replica.Logs.Acquire(filter), _bug);
        stream.Start(start.From);
        reader.Stream = stream;
        reader.Advance(start.After, isFirst: true);
        if (start.Kind == StartKind.Resync)
            reader.Resync(start.Reason, start.From, isOpen: false);
    }

    private static void Drop(ModelReader reader)
    {
        reader.Stream?.Close();
        reader.Stream = null;
    }

    private void Read()
    {
        if (Reader().Stream is { Waits: true } waiting)
            waiting.Read();
    }

    private void Tick()
    {
        var replica = Replica();
        var settled = replica.Logs.Now.Settled;
        foreach (var reader in _readers)
            if (reader.Stream?.Replica == replica)
                reader.Stream.Tick(settled);
    }

    /// <summary>A standby is promoted that has everything, or lacks the last events. The leader and the replicas may
    /// notice later that they read the former primary.</summary>
    private void Promote()
    {
        var former = _store.Now;
        _store.Promote(_random.Next(2) == 0 ? 0 : _random.Next(1, 6));
        foreach (var replica in _replicas)
            if (_random.Next(2) == 0)
                replica.CutOff = former;
        if (_random.Next(2) == 0)
            return;
        _leader.CutOff = former;
        ChangeLeader();
    }

    private void ChangeLeader()
    {
        _former = _leader;
        _leader = NewLeader(_leader.Fence + 1);
    }

    private void LoseRedis()
    {
        _redisAway = !_redisAway;
        foreach (var replica in _replicas)
            replica.Channel.Clear();
    }

    /// <summary>A message and the store are lost while pages come one after the other. In random order, a replica
    /// without the store soon has another gap, for which it waits.</summary>
    private void LoseMessageAndStore()
    {
        var replica = Replica();
        replica.Subscribe();
        Relay();
        replica.IsCutOff = true;
        for (var pages = _random.Next(1, 5); pages > 0; pages--)
        {
            Publish();
            Relay();
        }

        void Relay()
        {
            _leader.Relay(5);
            while (replica.Receive()) { }
            if (_random.Next(8) == 0)
                Promote();
            while (replica.Feed()) { }
        }
    }

    /// <summary>A replica loses the store, or reaches it again.</summary>
    private void LoseStore()
    {
        var replica = Replica();
        replica.IsCutOff = !replica.IsCutOff;
    }

    private void Restart()
    {
        var number = _random.Next(_replicas.Length);
        foreach (var reader in _readers)
            if (reader.Stream?.Replica == _replicas[number])
                Drop(reader);
        _replicas[number] = NewReplica();
    }

    private void Mistreat()
    {
        _treatment = (_random.Next(30), _random.Next(30), _random.Next(30));
        foreach (var replica in _replicas)
            Treat(replica.Channel);
    }

    private void Heal()
    {
        _redisAway = false;
        _treatment = default;
        _former = null;
        foreach (var replica in _replicas)
        {
            replica.CutOff = null;
            replica.IsCutOff = false;
            Treat(replica.Channel);
        }
        for (var round = 0; round < 3; round++)
        {
            Come();
            foreach (var reader in _readers)
                Open(reader, Replica());
        }
        Come();
        foreach (var reader in _readers)
            reader.End();
    }

    /// <summary>Delivers everything that is under way.</summary>
    private void Come()
    {
        while (_leader.Relay(5)) { }
        _leader.SendHeartbeat();
        foreach (var replica in _replicas)
        {
            replica.Subscribe();
            while (replica.Receive()) { }
            while (replica.Feed() || replica.PublishLocal()) { }
            replica.EndComparison();
            replica.BeginComparison();
            replica.EndComparison();
        }
        foreach (var reader in _readers)
            for (var i = 0; i < 10_000 && reader.Stream is { } stream && (stream.Step() || stream.Waits); i++)
                if (stream.Waits)
                    stream.Read();
    }

    private ModelLeader NewLeader(long fence) =>
        new(_store, fence, () => _redisAway ? [] : _replicas.Select(r => r.Channel), _bug);

    private ModelReplica NewReplica()
    {
        var channel = new ModelChannel(_random);
        Treat(channel);
        return new ModelReplica(_store, channel, _random, _bug);
    }

    private void Treat(ModelChannel channel)
    {
        channel.Lost = _treatment.Lost;
        channel.Repeated = _treatment.Repeated;
        channel.Overtaking = _treatment.Overtaking;
    }
}
