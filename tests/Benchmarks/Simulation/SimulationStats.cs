namespace Benchmarks.Simulation;

/// <summary>Counts what a run does, second by second.</summary>
internal sealed class SimulationStats(Scenario scenario)
{
    private readonly List<SimulationSecond> _seconds = [];
    private readonly SortedDictionary<int, int> _caughtUpAt = [];
    private SimulationSecond _second = new();
    private double _load;
    private long _resumes;
    private int _longestWait,
        _longestId;

    public void Append(int events) => _second.Appends += events;

    public void Publish(long messages) => _second.RedisMessages += messages;

    public void Deliver(double deliveries) => _second.Deliveries += deliveries;

    public void Connect(int waited)
    {
        _second.Connects++;
        _longestWait = Math.Max(_longestWait, waited);
    }

    public void Load(double load) => _load = Math.Max(_load, Math.Min(load, 1));

    public void Read(bool isGap, double microseconds)
    {
        if (isGap)
            _second.GapReads++;
        else
            _second.Replays++;
        _second.StoreMicroseconds += microseconds;
    }

    public void Resume(int idLength)
    {
        _resumes++;
        _longestId = Math.Max(_longestId, idLength);
    }

    public void CaughtUp(int readers, int now)
    {
        if (readers > 0)
            _caughtUpAt[now / 100] = _caughtUpAt.GetValueOrDefault(now / 100) + readers;
    }

    public void EndSecond(int notCaughtUp)
    {
        _second.NotCaughtUp = notCaughtUp;
        _seconds.Add(_second);
        _second = new SimulationSecond();
    }

    public SimulationResult Result(ReturningReaders returning, int backlogAt, bool wasPromoted)
    {
        var judged = returning.Samples.Where(r => r.Server is not null).ToList();
        var topology = returning.Topology;
        foreach (var reader in judged)
            for (var i = 0; i < reader.Topics.Length; i++)
                reader.Ledger.End(i, topology.Positions(reader.Topics[i]).Count);
        return new SimulationResult(scenario, _seconds)
        {
            Displaced = returning.Displaced,
            NotCaughtUp = returning.NotCaughtUp,
            HalfLevelAfter = After(returning.Displaced, 0.5),
            NearlyLevelAfter = After(returning.Displaced, 0.99),
            AllLevelAfter = After(returning.Displaced, 1),
            BacklogAfter = wasPromoted ? (backlogAt - scenario.LostAt) / 1_000.0 : 0,
            LongestWait = _longestWait / 1_000.0,
            ReplicaLoad = _load,
            SampledEvents = returning.Samples.Sum(r => r.Ledger.Received),
            SampledResumes = _resumes,
            Judged = judged.Count,
            Lost = returning.Samples.Sum(r => r.Ledger.Lost),
            Duplicates = returning.Samples.Sum(r => r.Ledger.Duplicates),
            Reordered = returning.Samples.Sum(r => r.Ledger.Reordered),
            LongestId = _longestId,
        };
    }

    /// <summary>Time after the loss until a part of the displaced readers had caught up; infinite if never.</summary>
    private double After(int displaced, double part)
    {
        var caughtUp = 0L;
        foreach (var (at, readers) in _caughtUpAt)
            if ((caughtUp += readers) >= displaced * part)
                return (at + 1) / 10.0 - scenario.LostAt / 1_000.0;
        return double.PositiveInfinity;
    }
}
