using LoadTests.Chaos;
using Measuring;
using LoadTests.Running;
using Measuring.Ledger;

namespace Reliability;

/// <summary>One fault in the middle of a load.</summary>
internal sealed class FaultPlan(Fault fault, ReliabilitySystem system) : IFaultPlan
{
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(4),
        Mending = TimeSpan.FromSeconds(5),
        After = TimeSpan.FromSeconds(12),
        MendLimit = TimeSpan.FromSeconds(60);
    private readonly IFaultProbe? _probe = fault.Probe?.Invoke();

    public TimeSpan MinimumDuration => Calm + fault.Lasts + Mending + After;

    public string? Remark { get; private set; }

    /// <summary>Set where the fault could not be done.</summary>
    public NotDoneException? NotDone { get; private set; }

    public void Prepare() { }

    public async Task<IReadOnlyList<FaultRecord>> RunAsync(
        RunHistory history,
        Action<string> tell,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await Task.Delay(Calm, cancellationToken);
            var (normal, at) = (history.DeliveriesPerEvent(), history.Elapsed);
            tell(fault.Name);
            // Mended in any case: the next row begins with a whole system.
            try
            {
                await fault.Break(system);
                await ProbeAsync(cancellationToken);
            }
            finally
            {
                await MendAsync(tell);
            }
            var broken = (history.Elapsed - at).TotalSeconds;
            await Task.WhenAny(Task.Delay(After, cancellationToken));
            return
            [
                new FaultRecord(
                    fault.Name,
                    "",
                    0,
                    at.TotalSeconds,
                    broken,
                    history.RecoveryFrom(at, normal),
                    history.CutOff(at)
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
    }

    private async Task ProbeAsync(CancellationToken cancellationToken)
    {
        using var lasts = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        lasts.CancelAfter(fault.Lasts);
        while (!lasts.IsCancellationRequested)
        {
            if (_probe is not null)
                await _probe.AskAsync(system, lasts.Token);
            await Task.Delay(_probe is null ? fault.Lasts : TimeSpan.FromMilliseconds(100), lasts.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        cancellationToken.ThrowIfCancellationRequested();
        Remark = _probe?.Remark;
    }

    private async Task MendAsync(Action<string> tell)
    {
        using var limit = new CancellationTokenSource(MendLimit);
        try
        {
            await fault.Mend(system, limit.Token);
        }
        catch (OperationCanceledException)
        {
            Remark = $"did not come back within {MendLimit.TotalSeconds} s";
            tell(Remark);
        }
    }
}
