namespace Benchmarks.Simulation;

/// <summary>The log of one primary: positions in commit order, and events that wait for a new primary.</summary>
internal sealed class SimulatedLog(Scenario scenario, int number, Topology topology)
{
    private readonly Queue<int> _waiting = [];
    private readonly List<int> _heads = [];
    private double _room;

    public int Number { get; } = number;

    /// <summary>The region of the primary.</summary>
    public int Region { get; private set; } = number;
    public int Head { get; private set; }

    /// <summary>Times during which there is no primary.</summary>
    public int AwayFrom { get; private set; } = int.MaxValue;
    public int AwayThrough { get; private set; } = int.MaxValue;
    public int Waiting => _waiting.Count;

    public bool IsAway(int now) => now >= AwayFrom && now < AwayThrough;

    /// <summary>The synchronous standby of the next region has every acknowledged event, so positions go on.</summary>
    public void Promote(int now)
    {
        (AwayFrom, AwayThrough) = (now, now + scenario.PromotionTime);
        Region = (Region + 1) % Scenario.Regions;
    }

    public void Publish(int topic) => _waiting.Enqueue(topic);

    /// <summary>Head at a time of the past.</summary>
    public int HeadAt(int time) => _heads[Math.Clamp(time / scenario.RelayInterval, 0, _heads.Count - 1)];

    /// <summary>Appends what the primary can in an interval of the relay. Returns the number of events.</summary>
    public int Append(int now, List<int> appended)
    {
        _heads.Add(Head);
        if (IsAway(now))
            return 0;
        var most = Costs.AppendsPerSecond * scenario.RelayInterval / 1_000.0;
        _room += most;
        var count = 0;
        for (; _room >= 1 && _waiting.TryDequeue(out var topic); _room--, count++)
        {
            topology.Positions(topic).Add(++Head);
            appended.Add(topic);
        }
        // Room that nobody used does not add up to a burst beyond an interval.
        _room = Math.Min(_room, most);
        return count;
    }
}
