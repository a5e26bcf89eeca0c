namespace Benchmarks.Simulation;

/// <summary>
/// The replicas' reads of the logs. Of a replica only a few are at the store at once, and readers of the same range
/// share one, as in StoreReplay; reads of a gap have a connection of their own.
/// </summary>
internal sealed class Replays(
    Scenario scenario,
    Topology topology,
    Agenda agenda,
    SimulatedLog[] logs,
    SimulationStats stats
)
{
    /// <summary>Time for which a page is shared with later readers, in ms (Streaming:ReplaySharedSeconds).</summary>
    private const int SharedTime = 2_000;

    private readonly List<ReplayRead?> _reads = [];
    private readonly StoreServer[] _stores = [.. logs.Select(_ => new StoreServer(scenario.StoreCores))];

    /// <summary>Reads everything that the feed of a replica has missed of a log.</summary>
    public void AskMissing(SimulatedReplica replica, int log, int now)
    {
        if (replica.ReadsMissing[log])
            return;
        replica.ReadsMissing[log] = true;
        Start(new ReplayRead(replica, log) { After = replica.SettledOfLog(log) }, now);
    }

    /// <summary>Reads a topic's events for one more reader. Returns false if a page is there already.</summary>
    public bool AskRange(SimulatedReplica replica, int topic, int after, int now)
    {
        if (replica.Shared.TryGetValue((topic, after), out var read) && now < read.EndedAt + (long)SharedTime)
        {
            read.Waiters++;
            return read.EndedAt > now;
        }
        read = new ReplayRead(replica, topology.LogOf(topic))
        {
            Topic = topic,
            After = after,
            Waiters = 1,
        };
        replica.Shared[(topic, after)] = read;
        Queue(read, now);
        return true;
    }

    /// <summary>Reads a log for a sampled reader.</summary>
    public void AskSample(SimulatedReplica replica, int log, SampledReader reader, int now) =>
        Queue(
            new ReplayRead(replica, log)
            {
                Topic = reader.Topics[0],
                After = reader.CursorOf(log),
                Sample = reader,
                Stream = reader.Stream,
            },
            now
        );

    /// <summary>A read reaches its store: it waits for a primary and for a core.</summary>
    public void Begin(int number, int now)
    {
        var read = _reads[number]!;
        var log = logs[read.Log];
        if (log.IsAway(now))
        {
            agenda.Add(log.AwayThrough, new AgendaItem(Happening.ReadBegins, number, 0, 0, 0));
            return;
        }
        read.Through = log.Head;
        read.Microseconds = Costs.ReplayMicroseconds + Costs.ReplayEventMicroseconds * CountOf(read);
        var end = (int)Math.Ceiling(_stores[read.Log].Read(now, read.Microseconds));
        agenda.Add(
            end + scenario.Delay(log.Region, read.Replica.Region),
            new AgendaItem(Happening.ReadEnds, number, 0, 0, 0)
        );
    }

    /// <summary>The page is at the replica.</summary>
    public ReplayRead End(int number, int now)
    {
        var read = _reads[number]!;
        (_reads[number], read.EndedAt) = (null, now);
        stats.Read(read.Topic < 0, read.Microseconds);
        if (read.Topic < 0)
            read.Replica.ReadsMissing[read.Log] = false;
        else
        {
            read.Replica.Reading--;
            if (read.Replica.Waiting.TryDequeue(out var next))
                Queue(next, now);
        }
        return read;
    }

    private int CountOf(ReplayRead read)
    {
        if (read.Topic < 0)
            return read.Through - read.After;
        var count = 0;
        foreach (var topic in read.Sample?.Topics ?? [read.Topic])
            if (topology.LogOf(topic) == read.Log)
                count += topology.CountThrough(topic, read.Through) - topology.CountThrough(topic, read.After);
        return count;
    }

    private void Queue(ReplayRead read, int now)
    {
        if (read.Replica.Reading == scenario.ReplayReaders)
        {
            read.Replica.Waiting.Enqueue(read);
            return;
        }
        read.Replica.Reading++;
        Start(read, now);
    }

    private void Start(ReplayRead read, int now)
    {
        _reads.Add(read);
        var at = now + scenario.Delay(read.Replica.Region, logs[read.Log].Region);
        agenda.Add(at, new AgendaItem(Happening.ReadBegins, _reads.Count - 1, 0, 0, 0));
    }
}
