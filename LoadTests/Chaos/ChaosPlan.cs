using System.Globalization;
using LoadTests.Running;
using LoadTests.Targets;

namespace LoadTests.Chaos;

/// <summary>One fault: what was broken, when, for how long, how many clients it cut off, and how long until all was as
/// before (<see cref="RunHistory.RecoveredAfter"/>).</summary>
internal sealed record FaultRecord(
    string Target,
    string Fault,
    int Pid,
    double AtSecond,
    double BrokenSeconds,
    Recovery Recovery,
    long CutOff
)
{
    public double? RecoverySeconds => Recovery.Took?.TotalSeconds;

    /// <summary>In seconds, for a table.</summary>
    public string Recovered =>
        RecoverySeconds?.ToString("F1", CultureInfo.InvariantCulture) ?? (Recovery.IsKnown ? "**not**" : "**unknown**");
}

/// <summary>What happens to the system while events are published.</summary>
internal interface IFaultPlan
{
    /// <summary>Publishing must last at least this long, so that the faults fall into it; zero where there are
    /// none.</summary>
    TimeSpan Least { get; }

    /// <summary>Once, while all is well.</summary>
    void Prepare();

    Task<IReadOnlyList<FaultRecord>> RunAsync(
        RunHistory history,
        Action<string> tell,
        CancellationToken cancellationToken
    );
}

/// <summary>Breaks what was asked for, one after the other, while events are published. One for all scenarios of a run,
/// so that each replica has its turn.</summary>
internal sealed class ChaosPlan(
    IReadOnlyList<ChaosTarget> targets,
    FaultKind fault,
    ReplicaSet replicas,
    IReadOnlyDictionary<string, int> pids
) : IFaultPlan
{
    /// <summary>Before the first fault, to see what is normal, how long a freeze lasts, about how long it takes to
    /// start again, and for things to calm down.</summary>
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(3),
        Frozen = TimeSpan.FromSeconds(4),
        Mending = TimeSpan.FromSeconds(6),
        Between = TimeSpan.FromSeconds(10),
        MendLimit = TimeSpan.FromSeconds(60);

    private readonly StackProcesses _processes = new(replicas, pids);

    public TimeSpan Least =>
        targets.Count == 0 ? TimeSpan.Zero : Calm + ((Frozen + Mending + Between) * targets.Count) + Frozen;

    public void Prepare()
    {
        if (targets.Count == 0)
            return;
        _processes.Prepare(targets);
        if (fault == FaultKind.Stop)
            return;
        foreach (var target in targets)
            _processes.RequireRestart(target);
    }

    public async Task<IReadOnlyList<FaultRecord>> RunAsync(
        RunHistory history,
        Action<string> tell,
        CancellationToken cancellationToken
    )
    {
        var records = new List<FaultRecord>();
        try
        {
            if (targets.Count > 0)
                await Task.Delay(Calm, cancellationToken);
            foreach (var target in targets)
                records.Add(await BreakAsync(target, history, tell, cancellationToken));
        }
        catch (OperationCanceledException) { } // the run is over: the faults that are missing are told
        return records;
    }

    private async Task<FaultRecord> BreakAsync(
        ChaosTarget target,
        RunHistory history,
        Action<string> tell,
        CancellationToken cancellationToken
    )
    {
        var process = new BrokenProcess(target, _processes.Find(target), fault);
        var (normal, at) = (history.Normal(), history.Elapsed);
        tell($"{fault.ToString().ToLowerInvariant()} {target.ToString().ToLowerInvariant()} ({process.Pid})");
        using (history.Faults.Begin(target, process.Ports))
        {
            process.Break();
            _processes.Broke(process.Pid);
            await MendAsync(process, tell, cancellationToken);
        }
        var broken = (history.Elapsed - at).TotalSeconds;
        // Where the run is over first, what was seen until then is told.
        await Task.WhenAny(Task.Delay(Between, cancellationToken));
        return new FaultRecord(
            target.ToString(),
            fault.ToString(),
            process.Pid,
            at.TotalSeconds,
            broken,
            history.RecoveredAfter(at, normal),
            history.CutOff(at)
        );
    }

    /// <summary>Thawed, in any case: a process left frozen would be somebody's riddle. Or waited for: the AppHost
    /// starts again what ended.</summary>
    private async Task MendAsync(BrokenProcess process, Action<string> tell, CancellationToken cancellationToken)
    {
        if (fault == FaultKind.Stop)
        {
            try
            {
                await Task.Delay(Frozen, cancellationToken);
            }
            finally
            {
                process.Thaw();
            }
            return;
        }
        using var limit = new CancellationTokenSource(MendLimit);
        try
        {
            while (ProcessTable.Exists(process.Pid) || !await _processes.IsWholeAsync(process, limit.Token))
                await Task.Delay(100, limit.Token);
        }
        catch (OperationCanceledException)
        {
            tell(
                $"{process.Target} did not come back within {MendLimit.TotalSeconds} s: Start it in Aspire's dashboard"
            );
        }
    }
}
