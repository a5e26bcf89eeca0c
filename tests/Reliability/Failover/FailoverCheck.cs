using System.Diagnostics;
using System.Globalization;
using LoadTests.Measurements;
using Reliability.Load;

namespace Reliability.Failover;

/// <summary>One failover with a synchronous standby, under load.</summary>
internal sealed class FailoverCheck(FailoverKind kind, int number) : ICheck
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RecoveryTime = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan MoreRecovery = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan Arrival = TimeSpan.FromSeconds(90);
    private const double MaxRecoverySeconds = 8;

    public string Name => $"{number}. {kind.Name}";
    public SystemKind Needs => SystemKind.OwnSystem;

    public async Task<Outcome> RunAsync(
        ReliabilitySystem system,
        ReliabilityOptions options,
        CancellationToken cancellationToken
    )
    {
        var failing = await FailoverSystem.ReadyAsync(synchronous: true, options, cancellationToken);
        var load = failing.Load;
        load.Resume();

        using var runs = new SteadyGenerations(load.Replicas);
        await runs.StartAsync(cancellationToken);
        await Task.Delay(Quiet, cancellationToken);

        var before = load.Sums with { Lost = load.SettledLost };
        var at = load.History.Elapsed;
        var normal = load.History.DeliveriesPerEvent();
        var primary = await failing.Cluster.LeaderAsync(cancellationToken);
        var clock = Stopwatch.StartNew();
        var breaking = kind.Break(primary, cancellationToken);
        PatroniMember next;
        TimeSpan? recovery;

        TimeSpan patroni;
        try
        {
            next = await failing.Cluster.NextLeaderAsync(primary, breaking, cancellationToken);
            patroni = clock.Elapsed;
            await breaking;
            recovery = await RecoveryAsync(load, at, normal, cancellationToken);
        }
        finally
        {
            await kind.Undo(primary);
        }

        try
        {
            await failing.WaitUntilReadyAsync(cancellationToken);
        }
        catch
        {
            await WriteDetailsAsync(failing, cancellationToken);
            throw;
        }

        await load.PauseAsync(Arrival, cancellationToken);
        var sums = load.Sums - before;
        var (interrupted, wrong) = await runs.EndAsync(cancellationToken);

        var faults = load.Faults(sums);
        if (wrong > 0)
            faults.Add($"**{wrong} generations with other text**");
        await WriteDetailsAsync(failing, cancellationToken);
        var beyond = recovery is { } took ? Math.Max(0, (took - patroni).TotalSeconds) : default(double?);

        return Row(sums, patroni, beyond, interrupted, [$"{primary.Name} → {next.Name}", .. faults]);
    }

    private Outcome Row(LoadSums sums, TimeSpan patroni, double? beyond, int interrupted, IReadOnlyList<string> remarks)
    {
        var ok = sums.WentUnnoticed && interrupted == 0 && remarks.Count == 1 && beyond <= MaxRecoverySeconds;
        var seconds = beyond?.ToString("F1", CultureInfo.InvariantCulture);
        var recovered =
            seconds is null ? "**unknown**"
            : beyond > MaxRecoverySeconds ? $"**{seconds}**"
            : seconds;

        return new Outcome(
            ok,
            $"| {Name} {sums.Cells} | {ReliabilityReport.Bold(sums.Resyncs)} | {ReliabilityReport.Bold(interrupted)} "
                + $"| {patroni.TotalSeconds:F1} | {recovered} | {string.Join("; ", remarks)} |"
        );
    }

    private static async Task<TimeSpan?> RecoveryAsync(
        SteadyLoad load,
        TimeSpan at,
        double normal,
        CancellationToken cancellationToken
    )
    {
        var windows = load.History.Windows;
        // Publishers wait while nothing is acknowledged, so the rate is the one before the fault.
        var rate = windows.Where(w => w.Until <= at && w.Until > at - Quiet).Average(w => w.Published);
        await Task.Delay(RecoveryTime, cancellationToken);

        for (var waited = Stopwatch.StartNew(); ; await Task.Delay(500, cancellationToken))
            if (Recovery.After(windows, at, normal, rate).Took is { } took)
                return took;
            else if (waited.Elapsed > MoreRecovery)
                return null;
    }

    private Task WriteDetailsAsync(FailoverSystem system, CancellationToken cancellationToken) =>
        RowDetails.WriteAsync(
            $"failover-{Name}",
            system.Load.History.Windows,
            [
                system.Load.Errors,
                .. system.World.Logs,
                .. system.Cluster.Members.Select(m => $"{m.Name}:\n{m.Output}\n"),
            ],
            cancellationToken
        );
}
