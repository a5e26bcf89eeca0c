namespace Benchmarks.Simulation;

/// <summary>
/// A replica: what it has received and settled of each channel, its sampled readers one by one, all others by number.
/// </summary>
internal sealed class SimulatedReplica
{
    private readonly Topology _topology;
    private readonly int[] _settled;
    private readonly List<SampledReader>[] _readers;
    private readonly ReceivedRanges[] _received;

    public SimulatedReplica(Scenario scenario, Topology topology, int number, int region)
    {
        (_topology, Number, Region) = (topology, number, region);
        (_settled, ArrivedAt) = (new int[topology.Channels], new int[topology.Channels]);
        _received = [.. Enumerable.Range(0, topology.Channels).Select(_ => new ReceivedRanges())];
        _readers = [.. Enumerable.Range(0, topology.Channels).Select(_ => new List<SampledReader>())];
        ReadsMissing = new bool[scenario.Logs];
        Connected = scenario.Readers / scenario.Replicas;
    }

    public int Number { get; }
    public int Region { get; }
    public bool IsAlive { get; set; } = true;
    public int Connected { get; set; }

    /// <summary>Arrival of the last message of each channel: Redis keeps a channel's order.</summary>
    public int[] ArrivedAt { get; }

    /// <summary>True while what a channel of the log has missed is being read.</summary>
    public bool[] ReadsMissing { get; }

    /// <summary>Returning readers whose streams are not open yet, with the times of their attempts.</summary>
    public Queue<(int Reader, int At)> Accepting { get; } = [];

    /// <summary>Replays by range: those under way, and those that later readers may share for a while.</summary>
    public Dictionary<(int Topic, int After), ReplayRead> Shared { get; } = [];

    /// <summary>Replays that wait for one of the replica's readers of the store, and how many are at work.</summary>
    public Queue<ReplayRead> Waiting { get; } = [];
    public int Reading { get; set; }

    public int SettledOf(int channel) => _settled[channel];

    /// <summary>The least that the replica has of a log.</summary>
    public int SettledOfLog(int log)
    {
        var least = int.MaxValue;
        for (var channel = 0; channel < _settled.Length; channel++)
            if (_topology.LogOfChannel(channel) == log)
                least = Math.Min(least, _settled[channel]);
        return least;
    }

    /// <summary>True if a message or a page has brought the channel's event, whatever is settled.</summary>
    public bool Has(int channel, int position) => _received[channel].Has(position);

    /// <summary>Notes that a message or a page has brought a channel's events.</summary>
    public void Receive(int channel, int after, int through) => _received[channel].Add(after, through);

    public void Add(SampledReader reader)
    {
        foreach (var channel in reader.Channels)
            _readers[channel].Add(reader);
    }

    public void Remove(SampledReader reader)
    {
        foreach (var channel in reader.Channels)
            _readers[channel].Remove(reader);
    }

    public IEnumerable<SampledReader> Readers => _readers.SelectMany(r => r).Distinct();

    /// <summary>Settles a channel through a position and lets its readers go on.</summary>
    public void Settle(int channel, int through, int now)
    {
        if (through <= _settled[channel])
            return;
        _settled[channel] = through;
        foreach (var reader in _readers[channel])
            reader.Emit(now);
    }
}
