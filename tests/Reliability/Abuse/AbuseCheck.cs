using System.Globalization;

namespace Reliability.Abuse;

/// <summary>Runs one abuse and measures its effect on the regular users.</summary>
internal sealed class AbuseCheck(AbuseCase abuse, MachineRatio machineRatio) : ICheck
{
    private const double MaxRatio = 2;
    private const int MaxMoreMegabytes = 600,
        MaxLeftMegabytes = 150,
        MaxForeignPercent = 10;
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(10);

    public string Name => abuse.Name;
    public SystemKind Needs => SystemKind.Guarded;

    public async Task<Outcome> RunAsync(
        ReliabilitySystem system,
        ReliabilityOptions options,
        CancellationToken cancellationToken
    )
    {
        var target = new AbuseTarget([.. system.Replicas.Select(r => r.Url)]);
        using var beside = abuse.IsControl ? new PlainListener() : null;
        using var abuser = await AbuserProcess.StartAsync(
            abuse,
            beside is null ? target : new AbuseTarget([beside.Url]),
            cancellationToken
        );
        await using var others = await Bystanders.StartAsync(target, cancellationToken);
        var isSettled = await Settling.WaitAsync(system, others, cancellationToken);
        var (start, memory, published) = (others.Delivery, ServerStats.Megabytes(system), others.Published);
        var machine = MachineLoad.Begin();
        await Task.Delay(options.Abuse, cancellationToken);
        var (calm, refused) = (others.Delivery, others.Refused);

        var most = memory;
        string got;
        using (var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            over.CancelAfter(options.Abuse);
            var attack = abuser.RunAsync(over.Token);
            while (await Task.WhenAny(attack, Task.Delay(250, cancellationToken)) != attack)
                most = Math.Max(most, ServerStats.Megabytes(system));
            got = await attack;
        }
        var foreign = machine.ForeignPercent();
        var (during, refusedDuring) = (others.Delivery.Since(calm), others.Refused - refused);
        await Task.Delay(Aftermath, cancellationToken);
        var settled = others.Delivery;
        var busy = await system.BusySessionsAsync(cancellationToken);
        await Task.Delay(options.Abuse, cancellationToken);
        var after = ServerStats.Megabytes(system);

        // The latency without abuse is measured before it and after its aftermath. One of the two alone has so few
        // events that a few slow commits would decide its p99.
        var (without, then) = (
            others.Delivery.Since(start).Since(settled.Since(calm)).Percentile(99),
            during.Percentile(99)
        );
        var ratio = then / without;
        if (abuse.IsControl)
            machineRatio.Measured = ratio;
        var allowed = abuse.HasControl ? machineRatio.Allowed : MaxRatio;
        var isWithin = abuse.IsControl || ratio <= allowed;
        var ok =
            isWithin
            && refused + refusedDuring == 0
            && most < memory + MaxMoreMegabytes
            && after < memory + MaxLeftMegabytes
            && busy == 0
            && during.Count > 0
            && published > 0;
        var remarks = got;
        if (busy > 0)
            remarks += $"; **Postgres busy in {busy} sessions**";
        if (foreign > MaxForeignPercent)
            remarks += $"; **other programs took {foreign:F0} % of the processors: measure again**";
        if (!isSettled)
            remarks += "; **the system had not settled before the measurement**";
        return new Outcome(
            ok,
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {Name} | {without:F1} | {then:F1} | {(isWithin ? $"{ratio:F2}" : $"**{ratio:F2}**")} "
                    + $"| {ReliabilityReport.Bold(refusedDuring)} | {memory:F0} → {most:F0} → {after:F0} | {remarks} |"
            )
        );
    }
}
