using System.Threading.Channels;
using Ledger;

namespace LoadTests.Running;

/// <summary>One of the ledger's publishers and the topic of its events. In one hand at a time: the ledger holds readers
/// to its order.</summary>
internal sealed record Lane(LedgerPublisher Publisher, string Topic);

/// <summary>
/// Topics that are published to together. Either as many as are needed to publish without waiting for earlier answers
/// (the readers take them
/// all), or a fixed number of which each reader takes one. A set has its own ledger, which judges its readers by its
/// publishers.
/// </summary>
internal sealed class TopicSet
{
    private const int MostLanes = 2_000;
    private readonly LoadRun _run;
    private readonly string _name;
    private readonly List<Lane> _lanes = [];
    private readonly Channel<Lane> _free = Channel.CreateUnbounded<Lane>();
    private readonly bool _grows;

    public TopicSet(LoadRun run, string name, int? topics = null)
    {
        (_run, _name, _grows) = (run, name, topics is null);
        run.Topics.Add(this);
        for (var i = 0; i < (topics ?? 4); i++)
            _free.Writer.TryWrite(Add());
    }

    public DeliveryLedger Ledger { get; } = new();

    /// <summary>Matches all of it.</summary>
    public string Pattern => $"{_run.Root}.{_name}.>";

    public IReadOnlyList<Lane> Lanes
    {
        get
        {
            lock (_lanes)
                return [.. _lanes];
        }
    }

    /// <summary>A lane that nobody else publishes on, until it is put back.</summary>
    public ValueTask<Lane> TakeAsync(CancellationToken cancellationToken)
    {
        if (_free.Reader.TryRead(out var free))
            return new(free);
        lock (_lanes)
            if (_grows && _lanes.Count < MostLanes)
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
