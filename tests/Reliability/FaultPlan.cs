using LoadTests.Chaos;
using LoadTests.Measurements;

namespace Reliability;

/// <summary>Injects one fault in the middle of a load.</summary>
internal sealed class FaultPlan(Fault fault, ReliabilitySystem system) : IFaultPlan
{
    private static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan RestartTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RecoveryTime = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan UndoLimit = TimeSpan.FromSeconds(60);
    private readonly IFaultProbe? _probe = fault.Probe?.Invoke();

    public TimeSpan MinimumDuration => QuietTime + fault.Duration + RestartTime + RecoveryTime;

    public string? Remark { get; private set; }

    /// <summary>False if the probe observed a failure.</summary>
    public bool IsProbeOk { get; private set; } = true;

    /// <summary>Set when the fault could not be injected.</summary>
    public NotDoneException? NotDone { get; private set; }

    public string? Problem => NotDone?.Message;

    public void Prepare() { }

    public async Task<IReadOnlyList<FaultRecord>> RunAsync(
        RunHistory history,
        Action<string> report,
        CancellationToken cancellationToken
    )
    {
        try
        {
            if (_probe is not null)
                await _probe.BeginAsync(system, cancellationToken);

            await Task.Delay(QuietTime, cancellationToken);
            report(fault.Name);

            return
            [
                await FaultRecord.MeasureAsync(
                    history,
                    fault.Name,
                    "",
                    0,
                    () => BreakAndUndoAsync(report, cancellationToken),
                    RecoveryTime,
                    cancellationToken
                ),
            ];
        }
        catch (NotDoneException e)
        {
            NotDone = e;
            return [];
        }
        catch (OperationCanceledException)
        {
            return [];
        }
        finally
        {
            if (_probe is not null)
                await _probe.DisposeAsync();
        }
    }

    private async Task<bool> BreakAndUndoAsync(Action<string> report, CancellationToken cancellationToken)
    {
        bool isBack;
        try
        {
            await fault.Break(system);
            await ProbeAsync(cancellationToken);
        }
        finally
        {
            // In any case, so that the next row starts with a complete system.
            isBack = await UndoAsync(report);
        }

        return isBack;
    }

    private async Task ProbeAsync(CancellationToken cancellationToken)
    {
        using var lasts = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        lasts.CancelAfter(fault.Duration);

        while (!lasts.IsCancellationRequested)
        {
            if (_probe is not null)
                await _probe.AskAsync(system, lasts.Token);
            await Task.Delay(_probe is null ? fault.Duration : TimeSpan.FromMilliseconds(100), lasts.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        cancellationToken.ThrowIfCancellationRequested();

        Remark = _probe?.Remark;
        IsProbeOk = _probe?.IsOk ?? true;
    }

    /// <returns>False when the process did not answer again.</returns>
    private async Task<bool> UndoAsync(Action<string> report)
    {
        using var limit = new CancellationTokenSource(UndoLimit);
        try
        {
            await fault.Undo(system, limit.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            Remark = $"did not answer within {UndoLimit.TotalSeconds} s";
            report(Remark);
            return false;
        }
    }
}
