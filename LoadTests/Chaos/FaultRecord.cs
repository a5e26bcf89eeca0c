using System.Globalization;
using LoadTests.Measurements;

namespace LoadTests.Chaos;

/// <summary>One fault: target, kind, start, duration, whether the process came back, the clients it disconnected,
/// and the recovery (<see cref="RunHistory.RecoveryFrom"/>).</summary>
internal sealed record FaultRecord(
    string Target,
    string Fault,
    int Pid,
    double AtSecond,
    double BrokenSeconds,
    bool IsBack,
    Recovery Recovery,
    long CutOff
)
{
    public double? RecoverySeconds => Recovery.Took?.TotalSeconds;

    /// <summary>The recovery time in seconds, for a table.</summary>
    public string Recovered =>
        RecoverySeconds?.ToString("F1", CultureInfo.InvariantCulture) ?? (Recovery.IsKnown ? "**not**" : "**unknown**");

    /// <summary>Injects a fault into a run, and records what it did; when the run ends first, until then.</summary>
    /// <param name="history">The run.</param>
    /// <param name="target">What the fault breaks.</param>
    /// <param name="fault">The kind of fault.</param>
    /// <param name="pid">The process; 0: none, or several.</param>
    /// <param name="breakAndRepair">Injects the fault and undoes it. Returns false if what it broke is not
    /// back.</param>
    /// <param name="recoveryTime">The time after the repair in which the system recovers.</param>
    /// <param name="cancellationToken">Cancelled at the end of the run.</param>
    public static async Task<FaultRecord> MeasureAsync(
        RunHistory history,
        string target,
        string fault,
        int pid,
        Func<Task<bool>> breakAndRepair,
        TimeSpan recoveryTime,
        CancellationToken cancellationToken
    )
    {
        // A recovery is judged by the deliveries before the fault.
        var normal = history.DeliveriesPerEvent();
        var at = history.Elapsed;

        var isBack = await breakAndRepair();
        var broken = (history.Elapsed - at).TotalSeconds;

        await Task.Delay(recoveryTime, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return new FaultRecord(
            target,
            fault,
            pid,
            at.TotalSeconds,
            broken,
            isBack,
            history.RecoveryFrom(at, normal),
            history.CutOff(at)
        );
    }
}
