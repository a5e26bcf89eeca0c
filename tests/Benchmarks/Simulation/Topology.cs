namespace Benchmarks.Simulation;

/// <summary>The topics: slot, log, Redis server and events of each, and how often it is read and written.</summary>
internal sealed class Topology
{
    private readonly List<int>?[] _positions;
    private readonly Scenario _scenario;

    public Topology(Scenario scenario, SimulationRandom random)
    {
        _scenario = scenario;
        _positions = new List<int>?[scenario.Topics];
        Readers = new Zipf(scenario.ReaderSkew, Shuffled(random));
        Events = new Zipf(scenario.EventSkew, Shuffled(random));
    }

    public Zipf Readers { get; }
    public Zipf Events { get; }

    /// <summary>A channel is the part of a log that one Redis server of each region carries.</summary>
    public int Channels => _scenario.Logs * _scenario.RedisServers;

    public static int SlotOf(int topic) => (int)(SimulationRandom.Mix((ulong)topic) % Costs.Slots);

    /// <summary>The topic's slot decides its log.</summary>
    public int LogOf(int topic) => SlotOf(topic) % _scenario.Logs;

    public int ChannelOf(int topic) =>
        LogOf(topic) * _scenario.RedisServers + SlotOf(topic) / _scenario.Logs % _scenario.RedisServers;

    public int LogOfChannel(int channel) => channel / _scenario.RedisServers;

    /// <summary>Positions of the topic's events, to which its log adds.</summary>
    public List<int> Positions(int topic) => _positions[topic] ??= [];

    /// <summary>Number of the topic's events up to a position.</summary>
    public int CountThrough(int topic, int position)
    {
        var found = Positions(topic).BinarySearch(position);
        return found < 0 ? ~found : found + 1;
    }

    private int[] Shuffled(SimulationRandom random)
    {
        var topics = Enumerable.Range(0, _scenario.Topics).ToArray();
        for (var i = topics.Length - 1; i > 0; i--)
        {
            var other = random.Below(i + 1);
            (topics[i], topics[other]) = (topics[other], topics[i]);
        }
        return topics;
    }
}
