using CsCheck;
using EventStore;
using Streaming.Connections;

namespace Core.Model;

/// <summary>A step of a world.</summary>
/// <param name="Drawn">Selects what happens, by its weight.</param>
/// <param name="Seed">The chance of the step.</param>
internal readonly record struct ModelStep(int Drawn, uint Seed)
{
    public static readonly Gen<ModelStep[]> Some = Gen.Select(
        Gen.Int[0, 999_999],
        Gen.UInt,
        (d, s) => new ModelStep(d, s)
    ).Array[0, 400];
}

/// <summary>Three replicas that send pages of their own commits, a leader and a former one, Redis, the store and eight
/// readers, with events and faults in a random order. Then all faults are repaired, and every reader is
/// checked.</summary>
internal sealed class ModelWorld : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>Far more than any stream needs.</summary>
    private const int MostTurns = 2_000;

    private static readonly (string[] Topics, Func<string, bool> Matches)[] Filters =
    [
        (["a.x"], t => t == "a.x"),
        (["b.x", "c.y"], t => t is "b.x" or "c.y"),
        (["*.x"], t => t.EndsWith(".x", StringComparison.Ordinal)),
        (["d.>"], t => t.StartsWith("d.", StringComparison.Ordinal)),
        ([">"], _ => true),
        (["e.x", "e.y"], t => t is "e.x" or "e.y"),
        (["a.x", "c.>"], t => t == "a.x" || t.StartsWith("c.", StringComparison.Ordinal)),
        ([">"], _ => true),
    ];

    /// <summary>The readers from this one on want the newest events.</summary>
    private const int FirstOfLatest = 6;

    private readonly ModelChance _chance = new();
    private readonly ModelStore _store = new();
    private readonly ModelReplica[] _replicas = new ModelReplica[3];
    private readonly ModelReader[] _readers;
    private readonly (int Weight, Action Step)[] _steps;

    /// <summary>Commits that their replicas have not sent yet.</summary>
    private readonly List<CommittedEvents> _unsent = [];
    private ModelLeader _leader;
    private ModelLeader? _former;
    private bool _redisAway;
    private bool _isHealed;

    private (int Lost, int Repeated, int Overtaking) _treatment;

    private ModelWorld()
    {
        _leader = NewLeader(1);

        for (var i = 0; i < _replicas.Length; i++)
            _replicas[i] = NewReplica();

        _readers =
        [
            .. Filters.Select(
                (f, i) =>
                    new ModelReader(
                        _store,
                        f.Topics,
                        f.Matches,
                        i < FirstOfLatest ? SlowClientPolicy.CatchUp : SlowClientPolicy.Latest
                    )
            ),
        ];

        _steps =
        [
            (12, Publish),
            (6, () => _leader.Relay(_chance.Next(1, 6))),
            (3, () => _leader.SendHeartbeat()),
            (6, () => _former?.Relay(_chance.Next(1, 4))),
            (2, PublishToFormer),
            (30, SendDirect),
            (2, () => _leader.Subscribe()),
            (30, () => _leader.Hear()),
            (60, () => Replica().ReceiveDirect()),
            (30, () => Replica().Receive()),
            (20, () => Replica().Feed()),
            (8, () => Replica().PublishLocal()),
            (4, () => Replica().Subscribe()),
            (2, () => Replica().BeginLook()),
            (2, () => Replica().EndLook()),
            (1, () => Replica().CatchUp()),
            (1, () => Replica().Sweep()),
            (30, () => Replica().Loop.RunOnce()),
            (15, () => Reader().Take()),
            (10, () => Replica().Replay.Answer()),
            (2, () => Replica().CutOff = null),
            (4, () => Replica().Advance(Second)),
            (4, () => Reader().Drop()),
            (8, () => Reader().Open(Replica())),
            (2, Promote),
            (1, LoseRedis),
            (2, LoseStore),
            (2, LoseMessageAndStore),
            (1, Restart),
            (1, () => _store.Retain(_chance.Next((int)_store.Now.Head + 1))),
            (1, ChangeLeader),
            (1, Mistreat),
        ];
    }

    public int Received => _readers.Sum(r => r.Received);
    public int Skips => _readers.Sum(r => r.Skips);
    public int Resyncs => _readers.Sum(r => r.Resyncs);
    public int Earlier => _replicas.Sum(r => r.Earlier);
    public int Heard => _leader.Heard;
    public int LeftOut => _replicas.Sum(r => r.LeftOut);
    public int GivenUp => _replicas.Sum(r => r.GivenUp);
    public int Promotions => _store.Histories.Count - 1;

    /// <summary>Plays the steps.</summary>
    /// <exception cref="ModelException">A reader lost an event, got it twice or out of order, or an untrue
    /// resync.</exception>
    public static ModelWorld Play(IEnumerable<ModelStep> steps)
    {
        using var world = new ModelWorld();
        var total = world._steps.Sum(s => s.Weight);
        foreach (var (number, seed) in steps)
        {
            world._chance.Begin(seed);
            var drawn = number % total;
            Array.Find(world._steps, s => (drawn -= s.Weight) < 0).Step();
        }

        world.Heal();
        return world;
    }

    public void Dispose()
    {
        foreach (var replica in _replicas)
            replica.Dispose();
    }

    private IEnumerable<ModelChannel> DirectChannels => _replicas.Select(r => r.Direct).Append(_leader.Direct);

    private ModelReplica Replica() => _replicas[_chance.Next(_replicas.Length)];

    private ModelReader Reader() => _readers[_chance.Next(_readers.Length)];

    private void Publish() => Publish(_store.Now);

    /// <summary>A former primary still confirms commits.</summary>
    private void PublishToFormer()
    {
        if (_store.Now.Parent is { } former)
            Publish(former);
    }

    private void Publish(ModelHistory history)
    {
        var topics = Enumerable
            .Range(0, _chance.Next(1, 5))
            .Select(_ => $"{"abcde"[_chance.Next(5)]}.{"xy"[_chance.Next(2)]}");
        var commit = _store.Append(history, [.. topics], skipsPosition: _chance.OneIn(10));
        if (_chance.OneIn(4))
            return; // by SQL, or its replica died

        Replica().Committed(commit);
        if (!_chance.OneIn(8) && !commit.Events.Any(ModelStore.IsLarge))
            _unsent.Add(commit);
    }

    /// <summary>A replica sends the page of its commit, perhaps after the later ones of other replicas.</summary>
    private void SendDirect()
    {
        if (_unsent.Count == 0)
            return;

        var commit = _unsent[_chance.Next(Math.Min(_unsent.Count, 3))];
        _unsent.Remove(commit);
        var message = RelayFormat.ToBytes(
            new RelayPage(commit.Epoch, Fence: 0, commit.Previous, commit.Last, Sent: 0),
            commit.Events
        );
        foreach (var channel in _redisAway ? [] : DirectChannels)
            channel.Publish(message);
    }

    /// <summary>A standby is promoted that has everything, or lacks the last events. The leader and the replicas may
    /// notice later that they read the former primary.</summary>
    private void Promote()
    {
        var former = _store.Now;
        _store.Promote(_chance.OneIn(2) ? 0 : _chance.Next(1, 6));

        foreach (var replica in _replicas)
            if (_chance.OneIn(2))
                replica.CutOff = former;

        if (_chance.OneIn(2))
            return;

        _leader.CutOff = former;
        ChangeLeader();
    }

    private void PromoteUnlessHealed()
    {
        if (!_isHealed)
            Promote();
    }

    private void ChangeLeader()
    {
        _former = _leader;
        _leader = NewLeader(_leader.Fence + 1);
    }

    private void LoseRedis()
    {
        _redisAway = !_redisAway;
        foreach (var channel in _replicas.Select(r => r.Channel).Concat(DirectChannels))
            channel.Clear();
    }

    /// <summary>A message and the store are lost while pages come one after the other. In random order, a replica
    /// without the store soon has another gap, for which it waits.</summary>
    private void LoseMessageAndStore()
    {
        var replica = Replica();
        replica.Channel.Subscribe();
        Relay();
        replica.IsCutOff = true;

        for (var pages = _chance.Next(1, 5); pages > 0; pages--)
        {
            Publish();
            Relay();
        }

        void Relay()
        {
            _leader.Relay(5);
            while (replica.Receive()) { }
            if (_chance.OneIn(8))
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
        var number = _chance.Next(_replicas.Length);
        foreach (var reader in _readers)
            if (reader.Replica == _replicas[number])
                reader.Drop();
        _replicas[number].Dispose();
        _replicas[number] = NewReplica();
    }

    private void Mistreat()
    {
        _treatment = (_chance.Next(30), _chance.Next(30), _chance.Next(30));
        foreach (var channel in _replicas.Select(r => r.Channel).Concat(DirectChannels))
            Treat(channel);
    }

    private void Heal()
    {
        _isHealed = true;
        _redisAway = false;
        _treatment = default;
        _former = null;

        foreach (var replica in _replicas)
        {
            replica.CutOff = null;
            replica.IsCutOff = false;
            replica.Subscribe();
            Treat(replica.Channel);
            Treat(replica.Direct);
        }

        for (var round = 0; round < 3; round++)
        {
            Come();
            foreach (var reader in _readers)
                reader.Open(Replica());
        }

        Come();

        foreach (var reader in _readers)
            reader.End();
    }

    /// <summary>Delivers everything that is under way.</summary>
    private void Come()
    {
        while (_unsent.Count > 0)
            SendDirect();

        if (_chance.OneIn(2))
            while (_leader.Hear()) { }

        while (_leader.Relay(5)) { }

        _leader.SendHeartbeat();

        foreach (var replica in _replicas)
        {
            while (replica.ReceiveDirect()) { }

            while (replica.Receive()) { }

            while (replica.Feed() || replica.PublishLocal()) { }

            for (var looks = 0; looks < 2; looks++)
            {
                replica.BeginLook();
                replica.EndLook();
            }

            var turns = 0;
            for (var goesOn = true; goesOn; turns++)
            {
                if (turns == MostTurns)
                    throw new ModelException(ModelFlaw.Endless, "the streams never come to rest");
                replica.Loop.RunOnce();
                goesOn = replica.Replay.Answer();
                foreach (var reader in _readers)
                    goesOn |= reader.Take();
            }
        }
    }

    private ModelLeader NewLeader(long fence)
    {
        var leader = new ModelLeader(_store, fence, _chance, () => _redisAway ? [] : _replicas.Select(r => r.Channel));
        Treat(leader.Direct);
        return leader;
    }

    private ModelReplica NewReplica()
    {
        var channel = new ModelChannel(_chance);
        Treat(channel);
        var replica = new ModelReplica(_store, channel, _chance) { BeforeLargeRead = PromoteUnlessHealed };
        Treat(replica.Direct);
        return replica;
    }

    private void Treat(ModelChannel channel) =>
        channel.Treat(_treatment.Lost, _treatment.Repeated, _treatment.Overtaking);
}
