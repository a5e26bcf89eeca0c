using System.Diagnostics;
using System.Globalization;

namespace Reliability.Failover;

/// <summary>A failover to an asynchronous standby that lacks acknowledged events: exactly their readers are
/// told.</summary>
internal sealed class ForkCheck : ICheck
{
    private const int Topics = 10,
        EventsPerTopic = 5;
    private static readonly TimeSpan Arrival = TimeSpan.FromSeconds(90),
        GoesOn = TimeSpan.FromSeconds(15);

    public string Name => "asynchronous standby that lacks acknowledged events";
    public SystemKind Needs => SystemKind.OwnCluster;

    public async Task<Outcome> RunAsync(
        ReliabilitySystem system,
        ReliabilityOptions options,
        CancellationToken cancellationToken
    )
    {
        var (cluster, load) = await FailoverLab.Shared.ReadyAsync(synchronous: false, options, cancellationToken);
        await Task.Delay(GoesOn, cancellationToken);
        await load.PauseAsync(Arrival, cancellationToken);
        var primary = await cluster.Cluster.LeaderAsync(cancellationToken);
        await WaitForStandbysAsync(primary, cancellationToken);
        var before = load.Sums;
        await primary.StopReplicationAsync(cancellationToken);
        // Acknowledged by the primary alone, and delivered.
        var lanes = load.Lanes.Take(Topics).ToHashSet();
        foreach (var lane in lanes)
            for (var i = 0; i < EventsPerTopic; i++)
                await load.PublishOneAsync(lane);
        await load.PauseAsync(Arrival, cancellationToken);
        var lost = (load.Sums - before).Acknowledged;
        var clock = Stopwatch.StartNew();
        primary.Kill();
        var next = await cluster.Cluster.NextLeaderAsync(primary, Task.CompletedTask, cancellationToken);
        var patroni = clock.Elapsed;
        load.Resume();
        await Task.Delay(GoesOn, cancellationToken);
        await primary.StartAsync();
        await cluster.WaitUntilReadyAsync(cancellationToken);
        await load.PauseAsync(Arrival, cancellationToken);

        var sums = load.Sums - before;
        var past = load.Readers.Where(r => lanes.Contains(r.Lane)).ToList();
        var others = load.Readers.Except(past).ToList();
        var (told, untold) = (past.Count(r => r.Resyncs == 1), others.Count(r => r.Resyncs > 0));
        var ok = told == past.Count && untold == 0 && sums.Lost + sums.Twice + sums.Reordered == 0 && lost > 0;
        load.Resume();
        return new Outcome(
            ok,
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {Name} | {sums.Acknowledged} | {sums.Received} | {ReliabilityReport.Bold(sums.Lost)} "
                    + $"| {ReliabilityReport.Bold(sums.Twice)} | {ReliabilityReport.Bold(sums.Reordered)} "
                    + $"| {sums.Resyncs} | – | {patroni.TotalSeconds:F1} | – | {primary.Name} → {next.Name}; {lost} "
                    + $"events lost with the primary; resync for {told} of {past.Count} readers past the fork and for "
                    + $"{(untold == 0 ? "0" : $"**{untold}**")} of {others.Count} others |"
            )
        );
    }

    private static async Task WaitForStandbysAsync(PatroniMember primary, CancellationToken cancellationToken)
    {
        while (
            !await primary.AskAsync<bool>(
                "select bool_and(replay_lsn >= pg_current_wal_lsn()) from pg_stat_replication",
                cancellationToken
            )
        )
            await Task.Delay(100, cancellationToken);
    }
}
