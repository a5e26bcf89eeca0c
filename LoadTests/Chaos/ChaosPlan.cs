using LoadTests.Running;
using LoadTests.Targets;

namespace LoadTests.Chaos;

/// <summary>One fault: what was broken, when, for how long, and how long until events flowed again as before.</summary>
internal sealed record FaultRecord(string Target, string Fault, int Pid, double AtSecond, double BrokenSeconds, double? RecoverySeconds);

/// <summary>What happens to the system while events are published.</summary>
internal interface IFaultPlan
{
    /// <summary>Publishing must last at least this long, so that the faults fall into it; zero where there are none.</summary>
    TimeSpan Least { get; }

    /// <summary>Once, while all is well.</summary>
    void Prepare();

    Task<IReadOnlyList<FaultRecord>> RunAsync(RunHistory history, Action<string> tell, CancellationToken cancellationToken);
}

/// <summary>Breaks what was asked for, one after the other, while events are published.</summary>
internal sealed class ChaosPlan(IReadOnlyList<ChaosTarget> targets, FaultKind fault, ReplicaSet replicas, IReadOnlyDictionary<string, int> pids) : IFaultPlan
{
    /// <summary>Before the first fault, to see what is normal, how long each lasts, about how long it takes to start again, and for things to calm down.</summary>
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(3), Broken = TimeSpan.FromSeconds(4), Mending = TimeSpan.FromSeconds(3), Between = TimeSpan.FromSeconds(10);

    private readonly StackProcesses _processes = new(replicas, pids);

    public TimeSpan Least => targets.Count == 0 ? TimeSpan.Zero : Calm + ((Broken + Mending + Between) * targets.Count) + Broken;

    public void Prepare()
    {
        if (targets.Count > 0) _processes.Prepare(targets);
    }

    public async Task<IReadOnlyList<FaultRecord>> RunAsync(RunHistory history, Action<string> tell, CancellationToken cancellationToken)
    {
        var records = new List<FaultRecord>();
        try
        {
            if (targets.Count > 0) await Task.Delay(Calm, cancellationToken);
            foreach (var target in targets) records.Add(await BreakAsync(target, history, tell, cancellationToken));
        }
        catch (OperationCanceledException) { }      // the run is over: the faults that are missing are told
        return records;
    }

    private async Task<FaultRecord> BreakAsync(ChaosTarget target, RunHistory history, Action<string> tell, CancellationToken cancellationToken)
    {
        var pid = _processes.Find(target);
        var process = new BrokenProcess(target, pid, fault, await _processes.CommandOfAsync(target, pid));
        var (normal, at) = (history.Normal(), history.Elapsed);
        tell($"{fault.ToString().ToLowerInvariant()} {target.ToString().ToLowerInvariant()} ({process.Pid})");
        process.Break();
        // Mended in any case: a process left frozen or missing would be somebody's riddle.
        try { await Task.Delay(Broken, cancellationToken); }
        finally
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            try { await process.MendAsync(limit.Token); }
            catch (OperationCanceledException) { tell($"{target} did not come back within 20 s"); }
        }
        var broken = (history.Elapsed - at).TotalSeconds;
        // Where the run is over first, what was seen until then is told.
        await Task.WhenAny(Task.Delay(Between, cancellationToken));
        return new FaultRecord(target.ToString(), fault.ToString(), process.Pid, at.TotalSeconds, broken, history.RecoveredAfter(at, normal)?.TotalSeconds);
    }
}
