namespace Benchmarks.Simulation;

/// <summary>
/// Readers that have lost their connection: those of the lost region, each with its topic and last position, and the
/// sampled ones. They notice it, come back to another replica, and catch up there.
/// </summary>
internal sealed class ReturningReaders
{
    private readonly Scenario _scenario;
    private readonly Topology _topology;
    private readonly Agenda _agenda;
    private readonly SimulatedLog[] _logs;
    private readonly SimulatedReplica[] _replicas;
    private readonly Replays _replays;
    private readonly SimulationRandom _random;
    private readonly SimulationStats _stats;
    private readonly List<(int Topic, int After)> _displaced = [];

    public ReturningReaders(
        Scenario scenario,
        Topology topology,
        Agenda agenda,
        SimulatedLog[] logs,
        SimulatedReplica[] replicas,
        Replays replays,
        SimulationRandom random,
        SimulationStats stats
    )
    {
        (_scenario, _topology, _agenda, _logs) = (scenario, topology, agenda, logs);
        (_replicas, _replays, _random, _stats) = (replicas, replays, random, stats);
        Samples = [.. Enumerable.Range(0, scenario.Samples).Select(n => Sample(n % Scenario.Regions))];
        for (var n = 0; n < Samples.Length; n++)
        {
            Samples[n].Join(ReplicaOf(Samples[n].HomeRegion), now: 0);
            agenda.Add(random.Below(scenario.SampleDropInterval), new AgendaItem(Happening.Drop, n, 0, 0, 0));
        }
    }

    public SampledReader[] Samples { get; }
    public Topology Topology => _topology;

    /// <summary>Readers of the lost region that do not have everything yet.</summary>
    public int NotCaughtUp { get; private set; }
    public int Displaced => _displaced.Count;

    /// <summary>True when sampled readers drop no more.</summary>
    public bool DropsEnd { get; set; }

    public void Happen(in AgendaItem item, int now)
    {
        switch (item.Kind)
        {
            case Happening.Attempt:
                Attempt(item.Subject, now);
                break;
            case Happening.Drop:
                Drop(item.Subject, now);
                break;
            case Happening.ReadBegins:
                _replays.Begin(item.Subject, now);
                break;
            case Happening.ReadEnds:
                TakePage(_replays.End(item.Subject, now), now);
                break;
        }
    }

    public void LoseRegion(int now)
    {
        foreach (var replica in _replicas.Where(r => r.Region == _scenario.LostRegion))
        {
            replica.IsAlive = false;
            foreach (var reader in replica.Readers.ToArray())
                Leave(Array.IndexOf(Samples, reader), NoticedAt(now));
            while (replica.Accepting.TryDequeue(out var waiting))
                _agenda.Add(NoticedAt(now), new AgendaItem(Happening.Attempt, waiting.Reader, 0, 0, 0));
            for (; replica.Connected > 0; replica.Connected--)
            {
                var topic = _topology.Readers.Draw(_random);
                _agenda.Add(
                    NoticedAt(now),
                    new AgendaItem(Happening.Attempt, Samples.Length + _displaced.Count, 0, 0, 0)
                );
                _displaced.Add((topic, LastIdOf(replica, topic, now)));
            }
        }
        NotCaughtUp = _displaced.Count;
    }

    /// <summary>Opens streams for as long as the replicas' processors have time besides deliveries.</summary>
    public void Accept(int now, int milliseconds, double share)
    {
        foreach (var replica in _replicas)
        {
            if (!replica.IsAlive)
                continue;
            var budget = _scenario.ReplicaCores * milliseconds * 1_000.0;
            var live = replica.Connected * share * Costs.DeliveryMicroseconds;
            var left = Math.Max(budget - live, budget / 4);
            var room = left;
            while (left > 0 && replica.Accepting.TryDequeue(out var next))
            {
                _stats.Connect(now - next.At);
                left -= Costs.ConnectMicroseconds + Open(replica, next.Reader, now);
            }
            _stats.Load((live + room - left) / budget);
        }
    }

    /// <summary>Opens a stream. Returns the processor time that its events from memory take, in µs.</summary>
    private double Open(SimulatedReplica replica, int number, int now)
    {
        if (number < Samples.Length)
        {
            OpenSample(replica, Samples[number], now);
            return 0;
        }
        replica.Connected++;
        var (topic, after) = _displaced[number - Samples.Length];
        var log = _topology.LogOf(topic);
        var settled = replica.SettledOfLog(log);
        var missed = _topology.CountThrough(topic, settled) - _topology.CountThrough(topic, after);
        // A filter that somebody reads here keeps its newest frames; else the recent events of all topics are searched.
        var others = _scenario.Readers / _scenario.Replicas * _topology.Readers.Share[topic];
        var inRing =
            missed <= Math.Max(Costs.MinRingFrames, Costs.RingFramesPerReader * others)
            && _random.Unit() < 1 - Math.Exp(-others);
        var needsStore = !inRing && after < RecentBase(settled);
        if (needsStore && _replays.AskRange(replica, topic, after, now))
            return 0;
        CaughtUp(1, now);
        var scanned = inRing || needsStore ? 0 : settled - after;
        return missed * Costs.BurstDeliveryMicroseconds + scanned * _scenario.ScanMicroseconds;
    }

    private void OpenSample(SimulatedReplica replica, SampledReader reader, int now)
    {
        _stats.Resume(reader.LastId.Length);
        reader.Resume(_logs);
        foreach (var log in reader.Logs)
        {
            if (reader.CursorOf(log) >= RecentBase(replica.SettledOfLog(log)))
                continue;
            reader.Reads++;
            _replays.AskSample(replica, log, reader, now);
        }
        if (reader.Reads == 0)
            reader.Join(replica, now);
    }

    /// <summary>A replica's recent events are of all logs.</summary>
    private int RecentBase(int settled) => settled - _scenario.RecentEvents / _scenario.Logs;

    private void TakePage(ReplayRead read, int now)
    {
        if (read.Topic < 0)
        {
            TakeGap(read, now);
            return;
        }
        CaughtUp(read.Waiters, now);
        if (read.Sample is not { } reader || reader.Stream != read.Stream)
            return;
        if (!read.Replica.IsAlive)
        {
            Leave(Array.IndexOf(Samples, reader), NoticedAt(now));
            return;
        }
        var end = _scenario.Fault == SimulationFault.JoinBeyondPage ? _logs[read.Log].Head : read.Through;
        reader.TakePage(read.Log, (read.After, read.Through), end, now);
        if (--reader.Reads == 0)
            reader.Join(read.Replica, now);
    }

    /// <summary>Events of a log that a replica's feed has missed, over all channels.</summary>
    private void TakeGap(ReplayRead read, int now)
    {
        if (!read.Replica.IsAlive)
            return;
        var settled = _scenario.Fault == SimulationFault.SettleBeyondPage ? _logs[read.Log].Head : read.Through;
        for (var channel = 0; channel < _topology.Channels; channel++)
        {
            if (_topology.LogOfChannel(channel) != read.Log)
                continue;
            read.Replica.Receive(channel, read.After, read.Through);
            read.Replica.Settle(channel, settled, now);
        }
    }

    private void CaughtUp(int count, int now)
    {
        NotCaughtUp -= count;
        _stats.CaughtUp(count, now);
    }

    private void Attempt(int number, int now)
    {
        var region = number < Samples.Length ? Samples[number].HomeRegion : _scenario.LostRegion;
        if (region == _scenario.LostRegion && now >= _scenario.LostAt)
        {
            if (now < _scenario.LostAt + _scenario.DrainTime)
            {
                _agenda.Add(now + Retry(), new AgendaItem(Happening.Attempt, number, 0, 0, 0));
                return;
            }
            region = (region + 1 + _random.Below(Scenario.Regions - 1)) % Scenario.Regions;
        }
        ReplicaOf(region).Accepting.Enqueue((number, now));
    }

    private void Drop(int number, int now)
    {
        if (DropsEnd)
            return;
        if (Samples[number].Server is not null)
            Leave(number, now + Retry());
        var next = _scenario.SampleDropInterval / 2 + _random.Below(_scenario.SampleDropInterval);
        _agenda.Add(now + next, new AgendaItem(Happening.Drop, number, 0, 0, 0));
    }

    private void Leave(int number, int back)
    {
        Samples[number].Leave();
        _agenda.Add(back, new AgendaItem(Happening.Attempt, number, 0, 0, 0));
    }

    /// <summary>Time at which a client of the lost region connects again.</summary>
    private int NoticedAt(int now) =>
        now + Retry() + (_scenario.Closed ? 0 : Costs.ClientWatchdog - _random.Below(Costs.IdInterval));

    private int Retry() => Costs.RetryMin + _random.Below(Costs.RetryMax - Costs.RetryMin);

    /// <summary>The newer of the topic's last event and the last frame with only an id.</summary>
    private int LastIdOf(SimulatedReplica replica, int topic, int now)
    {
        var log = _logs[_topology.LogOf(topic)];
        var settled = replica.SettledOfLog(log.Number);
        var count = _topology.CountThrough(topic, settled);
        var last = count == 0 ? 0 : _topology.Positions(topic)[count - 1];
        return Math.Min(settled, Math.Max(last, log.HeadAt(now - _random.Below(Costs.IdInterval) / 1_000 * 1_000)));
    }

    private SimulatedReplica ReplicaOf(int region)
    {
        var count = (_scenario.Replicas - region + Scenario.Regions - 1) / Scenario.Regions;
        return _replicas[region + Scenario.Regions * _random.Below(count)];
    }

    /// <summary>One topic as most have, a few, or the many of a wildcard.</summary>
    private SampledReader Sample(int region)
    {
        var count = _random.Below(10) switch
        {
            0 => 32,
            < 6 => 2 + _random.Below(3),
            _ => 1,
        };
        var topics = new HashSet<int>();
        while (topics.Count < Math.Min(count, _scenario.Topics))
            topics.Add(_topology.Readers.Draw(_random));
        return new SampledReader(_scenario, _topology, [.. topics], region);
    }
}
