using System.Diagnostics;
using Harness.Worlds;
using LoadTests.Measurements;

namespace Reliability.Failover;

/// <summary>A failover to an asynchronous standby that lacks acknowledged events: exactly their readers are
/// told.</summary>
internal sealed class ForkCheck : ICheck
{
    private const int Topics = 10,
        EventsPerTopic = 5;
    private static readonly TimeSpan Arrival = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan GoesOn = TimeSpan.FromSeconds(15);

    public string Name => "asynchronous standby that lacks acknowledged events";
    public SystemKind Needs => SystemKind.OwnSystem;

    public async Task<Outcome> RunAsync(
        ReliabilitySystem system,
        ReliabilityOptions options,
        CancellationToken cancellationToken
    )
    {
        var failing = await FailoverSystem.ReadyAsync(synchronous: false, options, cancellationToken);
        var load = failing.Load;
        await Task.Delay(GoesOn, cancellationToken);
        await load.PauseAsync(Arrival, cancellationToken);

        var primary = await failing.Cluster.LeaderAsync(cancellationToken);
        await WaitForStandbysAsync(primary, cancellationToken);
        var before = load.Sums;
        var lanes = load.Lanes.Take(Topics).ToHashSet();
        var shared = await StoredAsync(primary, lanes, cancellationToken);

        await primary.StopReplicationAsync(cancellationToken);

        // Acknowledged by the primary alone, and delivered.
        foreach (var lane in lanes)
            for (var i = 0; i < EventsPerTopic; i++)
                await load.PublishOneAsync(lane);

        await load.PauseAsync(Arrival, cancellationToken);
        var lost = (load.Sums - before).Acknowledged;
        var missing = (load.Sums - before).Lost;
        var clock = Stopwatch.StartNew();

        primary.Kill();
        var next = await failing.Cluster.NextLeaderAsync(primary, Task.CompletedTask, cancellationToken);
        var patroni = clock.Elapsed;
        var kept = await StoredAsync(next, lanes, cancellationToken) - shared;

        load.Resume();
        await Task.Delay(GoesOn, cancellationToken);
        await primary.StartAsync();
        await failing.WaitUntilReadyAsync(cancellationToken);
        await load.PauseAsync(Arrival, cancellationToken);

        var sums = load.Sums - before;
        var past = load.Readers.Where(r => lanes.Contains(r.Lane)).ToList();
        var others = load.Readers.Except(past).ToList();

        var told = past.Count(r => r is { Resyncs: 1, Forks: 1 });
        var untold = others.Count(r => r.Resyncs > 0);
        // Otherwise the row has not tested what it says.
        var faults = "";
        if (missing != 0)
            faults += $"; **{missing} events had not come before the kill**";
        if (kept != 0)
            faults += $"; **the next primary has {kept} of them**";
        if (load.Ended is [var first, ..] ended)
            faults += $"; **{ended.Count} publishers and readers ended: {first}**";

        var ok = told == past.Count && untold == 0 && sums.IsClean && lost > 0 && faults.Length == 0;
        load.Resume();
        return new Outcome(
            ok,
            $"| {Name} {sums.Cells} | {sums.Resyncs} | – | {patroni.TotalSeconds:F1} | – "
                + $"| {primary.Name} → {next.Name}; {lost} events lost with the primary; "
                + $"resync for {told} of {past.Count} readers past the fork and for "
                + $"{(untold == 0 ? "0" : $"**{untold}**")} of {others.Count} others{faults} |"
        );
    }

    /// <summary>Counts the events of some topics that a member has.</summary>
    private static Task<long> StoredAsync(
        PatroniMember member,
        IEnumerable<Lane> lanes,
        CancellationToken cancellationToken
    ) =>
        member.AskAsync<long>(
            "select count(*) from eventstore.events where topic = any('{"
                + string.Join(',', lanes.Select(l => $"\"{l.Topic}\""))
                + "}')",
            cancellationToken,
            database: "eventstore"
        );

    private static Task WaitForStandbysAsync(PatroniMember primary, CancellationToken cancellationToken) =>
        Eventually.HoldsAsync(
            () =>
                primary.AskAsync<bool>(
                    "select bool_and(replay_lsn >= pg_current_wal_lsn()) from pg_stat_replication",
                    cancellationToken
                ),
            "the standbys have everything",
            stop: cancellationToken
        );
}
