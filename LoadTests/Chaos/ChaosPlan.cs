using LoadTests.Measurements;
using LoadTests.Targets;
using Measuring;

namespace LoadTests.Chaos;

/// <summary>The faults that are injected while events are published.</summary>
internal interface IFaultPlan
{
    /// <summary>The minimum duration of publishing, so that all faults fall into it; zero without faults.</summary>
    TimeSpan MinimumDuration { get; }

    /// <summary>The reason why faults of the last run were not injected, or null if they were.</summary>
    string? Problem { get; }

    /// <summary>Prepares the faults of one run, while the system is healthy.</summary>
    void Prepare();

    Task<IReadOnlyList<FaultRecord>> RunAsync(
        RunHistory history,
        Action<string> report,
        CancellationToken cancellationToken
    );
}

/// <summary>Injects the requested faults one after the other while events are published. All
/// scenarios of a run share one plan, so that the faults rotate over the replicas.</summary>
internal sealed class ChaosPlan(
    IReadOnlyList<ChaosTarget> targets,
    FaultKind fault,
    ReplicaSet replicas,
    IReadOnlyDictionary<string, int> pids
) : IFaultPlan
{
    // The duration of a freeze, the expected restart time, and the pause between faults.
    private static readonly TimeSpan FreezeTime = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan RestartTime = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan PauseTime = TimeSpan.FromSeconds(10);

    private readonly StackProcesses _processes = new(replicas, pids);

    /// <summary>The time of deliveries before the first fault.</summary>
    public TimeSpan QuietTime { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The longest wait for a restart.</summary>
    public TimeSpan RepairLimit { get; init; } = TimeSpan.FromSeconds(60);

    public TimeSpan MinimumDuration =>
        targets.Count == 0
            ? TimeSpan.Zero
            : QuietTime + ((FreezeTime + RestartTime + PauseTime) * targets.Count) + FreezeTime;

    public string? Problem { get; private set; }

    public void Prepare()
    {
        Problem = null;
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
        Action<string> report,
        CancellationToken cancellationToken
    )
    {
        var records = new List<FaultRecord>();
        try
        {
            // A recovery is judged by the deliveries before the fault.
            while (targets.Count > 0 && !history.HasDeliveries)
                await Task.Delay(100, cancellationToken);
            if (targets.Count > 0)
                await Task.Delay(QuietTime, cancellationToken);

            foreach (var target in targets)
                if (await TryBreakAsync(target, history, report, cancellationToken) is { } record)
                    records.Add(record);
        }
        catch (OperationCanceledException) { } // the run ended; a threshold reports the missing faults

        return records;
    }

    /// <summary>Returns null if the process is gone, which is a failure of the system and not of the run.</summary>
    private async Task<FaultRecord?> TryBreakAsync(
        ChaosTarget target,
        RunHistory history,
        Action<string> report,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await BreakAsync(target, history, report, cancellationToken);
        }
        catch (LoadTestException e)
        {
            Problem ??= e.Message;
            report(e.Message);
            return null;
        }
    }

    private async Task<FaultRecord> BreakAsync(
        ChaosTarget target,
        RunHistory history,
        Action<string> report,
        CancellationToken cancellationToken
    )
    {
        var process = new BrokenProcess(target, _processes.Find(target), fault);
        report($"{fault.ToString().ToLowerInvariant()} {target.ToString().ToLowerInvariant()} ({process.Pid})");

        return await FaultRecord.MeasureAsync(
            history,
            target.ToString(),
            fault.ToString(),
            process.Pid,
            async () =>
            {
                using (history.Faults.Begin(target, process.Ports))
                {
                    process.Break();
                    _processes.MarkBroken(process.Pid);
                    return await RepairAsync(process, report, cancellationToken);
                }
            },
            PauseTime,
            cancellationToken
        );
    }

    /// <summary>Thaws a frozen process, even after cancellation, or
    /// waits until the AppHost has restarted an ended one.</summary>
    /// <returns>False when it was not restarted.</returns>
    private async Task<bool> RepairAsync(
        BrokenProcess process,
        Action<string> report,
        CancellationToken cancellationToken
    )
    {
        if (fault == FaultKind.Stop)
        {
            try
            {
                await Task.Delay(FreezeTime, cancellationToken);
            }
            finally
            {
                process.Thaw();
            }
            return true;
        }

        using var limit = new CancellationTokenSource(RepairLimit);
        try
        {
            while (ProcessTable.Exists(process.Pid) || !await IsRestoredAsync(process, limit.Token))
                await Task.Delay(100, limit.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            report(
                $"{process.Target} did not restart within {RepairLimit.TotalSeconds} s. Start it in Aspire's dashboard."
            );
            return false;
        }
    }

    private async Task<bool> IsRestoredAsync(BrokenProcess process, CancellationToken cancellationToken) =>
        await _processes.IsCompleteAsync(process.Target, cancellationToken) || process.IsReplaced;
}
