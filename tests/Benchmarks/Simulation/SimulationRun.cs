namespace Benchmarks.Simulation;

/// <summary>
/// A discrete-event simulation of one scenario, in steps of a millisecond. The same scenario has the same result on
/// each machine.
/// </summary>
internal sealed class SimulationRun
{
    private const int AcceptInterval = 10,
        HeartbeatInterval = 1_000,
        QuietTime = 20_000;

    private readonly Scenario _scenario;
    private readonly SimulationRandom _random;
    private readonly Topology _topology;
    private readonly Agenda _agenda;
    private readonly SimulatedLog[] _logs;
    private readonly SimulatedReplica[] _replicas;
    private readonly SimulatedRelay _relay;
    private readonly ReturningReaders _returning;
    private readonly SimulationStats _stats;
    private double _owed;
    private int _backlogAt;

    private SimulationRun(Scenario scenario)
    {
        _scenario = scenario;
        _random = new SimulationRandom(scenario.Seed);
        _topology = new Topology(scenario, _random);
        _agenda = new Agenda(scenario.Limit + QuietTime);
        _stats = new SimulationStats(scenario);
        _logs = [.. Enumerable.Range(0, scenario.Logs).Select(n => new SimulatedLog(scenario, n, _topology))];
        _replicas =
        [
            .. Enumerable
                .Range(0, scenario.Replicas)
                .Select(n => new SimulatedReplica(scenario, _topology, n, n % Scenario.Regions)),
        ];
        var replays = new Replays(scenario, _topology, _agenda, _logs, _stats);
        _relay = new SimulatedRelay(scenario, _topology, _agenda, _logs, _replicas, replays, _random, _stats);
        _returning = new ReturningReaders(scenario, _topology, _agenda, _logs, _replicas, replays, _random, _stats);
    }

    public static SimulationResult Of(Scenario scenario) => new SimulationRun(scenario).Run();

    private SimulationResult Run()
    {
        var (now, end) = (0, int.MaxValue);
        for (; now < Math.Min(end, _scenario.Limit + QuietTime); now++)
        {
            Happen(now);
            if (now == _scenario.LostAt)
                LoseRegion(now);
            if (end == int.MaxValue && now % _scenario.RelayInterval == 0)
                Publish();
            if (now % _scenario.RelayInterval == 0)
                _relay.Relay(now);
            if (now % HeartbeatInterval == 0)
                _relay.SendHeartbeat(now);
            if (now % AcceptInterval == 0)
                _returning.Accept(now, AcceptInterval, _relay.SharePerMillisecond * AcceptInterval);
            if (now % 1_000 == 999)
                _stats.EndSecond(_returning.NotCaughtUp);
            if (_backlogAt == 0 && now > _scenario.LostAt && _logs.All(log => !log.IsAway(now) && log.Waiting < 1_000))
                _backlogAt = now;
            // Readers that come and go are given time to come back before everybody is judged.
            if (end == int.MaxValue && (IsOver(now) || now >= _scenario.Limit))
                end = now + QuietTime;
            _returning.DropsEnd = end != int.MaxValue;
        }
        return _stats.Result(_returning, _backlogAt, _logs.Any(log => log.AwayFrom != int.MaxValue));
    }

    private bool IsOver(int now) =>
        now >= _scenario.LostAt + QuietTime && _returning.NotCaughtUp == 0 && _backlogAt > 0;

    private void Happen(int now)
    {
        if (_agenda.Take(now) is not { } items)
            return;
        foreach (var item in items)
            switch (item.Kind)
            {
                case Happening.Message:
                    _relay.Receive(_replicas[item.Subject], item.Channel, item.From, item.To, now);
                    break;
                default:
                    _returning.Happen(item, now);
                    break;
            }
        _agenda.Release(items);
    }

    private void Publish()
    {
        _owed += _scenario.EventsPerSecond * _scenario.RelayInterval / 1_000.0;
        for (; _owed >= 1; _owed--)
        {
            var topic = _topology.Events.Draw(_random);
            _logs[_topology.LogOf(topic)].Publish(topic);
        }
    }

    private void LoseRegion(int now)
    {
        foreach (var log in _logs)
            if (log.Region == _scenario.LostRegion)
                log.Promote(now);
        _returning.LoseRegion(now);
    }
}
