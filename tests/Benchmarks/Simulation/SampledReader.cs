namespace Benchmarks.Simulation;

/// <summary>
/// A reader that is simulated one by one: the stream that serves it and the client that checks it. Between them is only
/// an id, which the client sends when it comes back.
/// </summary>
internal sealed class SampledReader
{
    private const string Set = "k3x9q0zt2a";

    private readonly Topology _topology;
    private readonly Scenario _scenario;
    private readonly int[] _logs;
    private readonly int[] _channels;

    // For each topic: its events, the next one to send, and where it is.
    private readonly List<int>[] _written;
    private readonly int[] _next,
        _logOf,
        _channelOf;
    private readonly int[] _cursors;
    private readonly int[] _sent;
    private int _sentAt;

    public SampledReader(Scenario scenario, Topology topology, int[] topics, int region)
    {
        (_scenario, _topology, Topics, HomeRegion) = (scenario, topology, topics, region);
        _logs = [.. topics.Select(topology.LogOf).Distinct().Order()];
        _channels = [.. topics.Select(topology.ChannelOf).Distinct()];
        _written = [.. topics.Select(topology.Positions)];
        _logOf = [.. topics.Select(topology.LogOf)];
        _channelOf = [.. topics.Select(topology.ChannelOf)];
        _next = new int[topics.Length];
        (_cursors, _sent) = (new int[scenario.Logs], new int[scenario.Logs]);
        Ledger = new ReaderLedger(topics.Length, scenario.Logs);
    }

    public int[] Topics { get; }
    public int HomeRegion { get; }
    public IReadOnlyList<int> Logs => _logs;
    public IReadOnlyList<int> Channels => _channels;
    public ReaderLedger Ledger { get; }

    /// <summary>The replica that serves it; null while it is away or waits for a read.</summary>
    public SimulatedReplica? Server { get; private set; }

    /// <summary>Reads that its stream waits for, and its number: answers for a former stream are not taken.</summary>
    public int Reads;
    public int Stream { get; private set; }

    /// <summary>The id that the client sends when it comes back.</summary>
    public string LastId { get; private set; } = "";

    /// <summary>Position of a log from which the stream goes on.</summary>
    public int CursorOf(int log) => _cursors[log];

    /// <summary>The connection ends. The client keeps its last id only.</summary>
    public void Leave()
    {
        Server?.Remove(this);
        (Server, Reads) = (null, 0);
        Stream++;
        Span<int> timelines = stackalloc int[_sent.Length];
        Span<long> positions = stackalloc long[_sent.Length];
        for (var log = 0; log < positions.Length; log++)
            (timelines[log], positions[log]) = (1, _sent[log]);
        LastId = VectorId.Format(Set, timelines, positions);
    }

    /// <summary>A stream starts after the id that the client sends.</summary>
    public void Resume(IReadOnlyList<SimulatedLog> logs)
    {
        Span<int> timelines = stackalloc int[_cursors.Length];
        Span<long> positions = stackalloc long[_cursors.Length];
        if (!VectorId.TryParse(LastId, Set, timelines, positions))
            throw new InvalidOperationException($"{LastId} is no id of this system.");
        foreach (var log in _logs)
            _cursors[log] = _scenario.Fault switch
            {
                SimulationFault.ResumeTooEarly => Math.Max(0, (int)positions[log] - 1),
                SimulationFault.ResumeAtHead => logs[log].Head,
                _ => (int)positions[log],
            };
        for (var i = 0; i < Topics.Length; i++)
            _next[i] = _topology.CountThrough(Topics[i], _cursors[_topology.LogOf(Topics[i])]);
        if (_scenario.Fault == SimulationFault.ResumeTooLate)
            _next[0]++;
    }

    /// <summary>The stream has caught up with a replica's memory.</summary>
    public void Join(SimulatedReplica replica, int now)
    {
        Server = replica;
        replica.Add(this);
        Emit(now);
    }

    /// <summary>A log's events after a position through another come from the store, and the stream goes on after
    /// its end.</summary>
    public void TakePage(int log, (int After, int Through) page, int end, int now)
    {
        Emit(log, end, (_, position) => position > page.After && position <= page.Through, now);
        _cursors[log] = Math.Max(_cursors[log], end);
    }

    /// <summary>
    /// Emits what the replica's channels have settled: a position only when each channel that the stream reads has it.
    /// </summary>
    public void Emit(int now)
    {
        if (Server is not { } server || (!HasUnsent() && now - _sentAt < Costs.IdInterval))
            return;
        foreach (var log in _logs)
        {
            var (least, most) = (int.MaxValue, 0);
            foreach (var channel in _channels)
            {
                if (_topology.LogOfChannel(channel) != log)
                    continue;
                var settled = server.SettledOf(channel);
                (least, most) = (Math.Min(least, settled), Math.Max(most, settled));
            }
            var through = _scenario.Fault == SimulationFault.SettleAny ? most : least;
            if (through <= _cursors[log])
                continue;
            Emit(log, through, server.Has, now);
            _cursors[log] = through;
        }
        // A frame with only an id where nothing has matched for a while.
        if (now - _sentAt >= Costs.IdInterval)
            Send(now);
    }

    /// <summary>Sends the events of a log in position order.</summary>
    /// <param name="log">The log.</param>
    /// <param name="through">The position through which the stream takes itself for complete.</param>
    /// <param name="has">Tells by channel and position if the event has come at all.</param>
    /// <param name="now">The time.</param>
    private void Emit(int log, int through, Func<int, int, bool> has, int now)
    {
        while (true)
        {
            var (topic, position) = (-1, int.MaxValue);
            for (var i = 0; i < _written.Length; i++)
            {
                var written = _written[i];
                if (
                    _logOf[i] != log
                    || _next[i] >= written.Count
                    || written[_next[i]] > through
                    || written[_next[i]] >= position
                )
                    continue;
                (topic, position) = (i, written[_next[i]]);
            }
            if (topic < 0)
                return;
            var ordinal = ++_next[topic];
            // A stream cannot send what never came, and goes over it.
            if (!has(_channelOf[topic], position))
                continue;
            Ledger.Receive(topic, log, position, ordinal);
            _cursors[log] = position;
            Send(now);
        }
    }

    private bool HasUnsent()
    {
        for (var i = 0; i < _written.Length; i++)
            if (_next[i] < _written[i].Count)
                return true;
        return false;
    }

    /// <summary>A frame carries the cursors of all logs.</summary>
    private void Send(int now)
    {
        _cursors.CopyTo(_sent, 0);
        _sentAt = now;
    }
}
