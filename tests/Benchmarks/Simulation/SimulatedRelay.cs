namespace Benchmarks.Simulation;

/// <summary>
/// The Broadcasters: each log's leader sends what is new on each channel to all regions, with the position before it.
/// Replicas that miss a message read the log.
/// </summary>
internal sealed class SimulatedRelay(
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
    private readonly List<int> _appended = [];
    private readonly HashSet<int>[] _slots =
    [
        .. Enumerable.Range(0, scenario.RedisServers).Select(_ => new HashSet<int>()),
    ];
    private readonly int[] _relayed = new int[scenario.Logs];

    /// <summary>Sum of the shares of readers that the last interval's events have, for each of its
    /// milliseconds.</summary>
    public double SharePerMillisecond { get; private set; }

    /// <summary>Appends and relays what was published in an interval.</summary>
    public void Relay(int now)
    {
        var share = 0.0;
        foreach (var slots in _slots)
            slots.Clear();
        foreach (var log in logs)
        {
            _appended.Clear();
            var count = log.Append(now, _appended);
            if (count == 0)
                continue;
            stats.Append(count);
            foreach (var topic in _appended)
            {
                share += topology.Readers.Share[topic];
                _slots[topology.ChannelOf(topic) % scenario.RedisServers].Add(Topology.SlotOf(topic));
            }
            Send(log, _relayed[log.Number], now);
            _relayed[log.Number] = log.Head;
        }
        SharePerMillisecond = share / scenario.RelayInterval;
        // A body for each slot that has events, and the index of the page.
        stats.Publish((_slots.Max(slots => slots.Count) + 1) * replicas.Length / Scenario.Regions);
        foreach (var replica in replicas)
            stats.Deliver(replica.Connected * share);
    }

    /// <summary>Sends each log's head, so that a lost last message is noticed.</summary>
    public void SendHeartbeat(int now)
    {
        foreach (var log in logs)
            if (!log.IsAway(now))
                Send(log, log.Head, now);
    }

    public void Receive(SimulatedReplica replica, int channel, int previous, int last, int now)
    {
        if (!replica.IsAlive || last <= replica.SettledOf(channel))
            return;
        var isIgnored =
            scenario.Fault == SimulationFault.IgnoreGap
            || (scenario.Fault == SimulationFault.HeartbeatSettles && previous == last);
        if (previous > replica.SettledOf(channel) && !isIgnored)
        {
            replays.AskMissing(replica, topology.LogOfChannel(channel), now);
            return;
        }
        replica.Receive(channel, previous, last);
        replica.Settle(channel, last, now);
    }

    private void Send(SimulatedLog log, int previous, int now)
    {
        foreach (var replica in replicas)
        {
            if (!replica.IsAlive)
                continue;
            for (var redis = 0; redis < scenario.RedisServers; redis++)
            {
                var channel = log.Number * scenario.RedisServers + redis;
                var at = now + scenario.Delay(log.Region, replica.Region) + random.Below(3);
                at = Math.Max(at, replica.ArrivedAt[channel]);
                replica.ArrivedAt[channel] = at;
                if (random.Below(1_000_000) >= scenario.LostPerMillion)
                    agenda.Add(at, new AgendaItem(Happening.Message, replica.Number, channel, previous, log.Head));
            }
        }
    }
}
