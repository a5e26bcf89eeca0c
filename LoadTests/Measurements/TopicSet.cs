using System.Threading.Channels;
using Measuring.Ledger;

namespace LoadTests.Measurements;

/// <summary>One of the ledger's publishers and its topic. Used by one task
/// at a time, because the ledger checks readers against its order.</summary>
internal sealed record Lane(LedgerPublisher Publisher, string Topic);

/// <summary>
/// Topics that are published to together, with their own ledger. Either the set grows so that a publish never waits for
/// an earlier answer (and readers take all topics), or it has a fixed number, of which each reader takes one.
/// </summary>
internal sealed class TopicSet
{
    private const int MaxLanes = 2_000;
    private readonly LoadRun _run;
    private readonly string _name;
    private readonly List<Lane> _lanes = [];
    private readonly Channel<Lane> _free = Channel.CreateUnbounded<Lane>();
    private readonly bool _grows;

    public TopicSet(LoadRun run, string name, int? topics = null)
    {
        _run = run;
        _name = name;
        _grows = topics is null;
        run.Topics.Add(this);
        for (var i = 0; i < (topics ?? 4); i++)
            _free.Writer.TryWrite(Add());
    }

    public DeliveryLedger Ledger { get; } = new();

    /// <summary>The pattern that matches all topics of the set.</summary>
    public string Pattern => $"{_run.Root}.{_name}.>";

    public IReadOnlyList<Lane> Lanes
    {
        get
        {
            lock (_lanes)
                return [.. _lanes];
        }
    }

    /// <summary>Takes a lane for exclusive use until <see cref="PutBack"/>.</summary>
    public ValueTask<Lane> TakeAsync(CancellationToken cancellationToken)
    {
        if (_free.Reader.TryRead(out var free))
            return new(free);
        lock (_lanes)
            if (_grows && _lanes.Count < MaxLanes)
                return new(Add());
        return _free.Reader.ReadAsync(cancellationToken);
    }

    public void PutBack(Lane lane) => _free.Writer.TryWrite(lane);

    private Lane Add()
    {
        lock (_lanes)
        {
            var lane = new Lane(Ledger.AddPublisher($"{_name}.{_lanes.Count}"), $"{_run.Root}.{_name}.{_lanes.Count}");
            _lanes.Add(lane);
            return lane;
        }
    }
}
