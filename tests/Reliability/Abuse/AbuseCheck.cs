using System.Diagnostics;
using System.Globalization;

namespace Reliability.Abuse;

/// <summary>Runs one abuse and measures its effect on the regular users.</summary>
internal sealed class AbuseCheck(AbuseCase abuse, MachineRatio machineRatio) : ICheck
{
    private const double MaxRatio = 2,
        MaxMilliseconds = 1_000;
    private const int MaxMoreMegabytes = 600,
        MaxLeftMegabytes = 150,
        MaxForeignPercent = 10;
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(10),
        Arrival = TimeSpan.FromSeconds(30);

    public string Name => abuse.Name;
    public SystemKind Needs => abuse.InDevelopment ? SystemKind.Plain : SystemKind.Guarded;

    public async Task<Outcome> RunAsync(
        ReliabilitySystem system,
        ReliabilityOptions options,
        CancellationToken cancellationToken
    )
    {
        var target = new AbuseTarget([.. system.Replicas.Select(r => r.Url)]);
        using var beside = abuse.IsControl ? new PlainListener() : null;
        using var load = await LoadProcess.StartAsync(
            abuse,
            beside is null ? target : new AbuseTarget([beside.Url]),
            cancellationToken
        );
        await using var others = await Bystanders.StartAsync(target, cancellationToken);
        var isSettled = await Settling.WaitAsync(system, others, cancellationToken);
        var (start, memory) = (Stopwatch.GetTimestamp(), ServerStats.Megabytes(system));
        var machine = MachineLoad.Begin();
        await Task.Delay(options.Abuse, cancellationToken);
        var calm = Stopwatch.GetTimestamp();

        var most = memory;
        string got;
        using (var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            over.CancelAfter(options.Abuse);
            var attack = load.RunAsync(over.Token);
            while (await Task.WhenAny(attack, Task.Delay(250, cancellationToken)) != attack)
                most = Math.Max(most, ServerStats.Megabytes(system));
            got = await attack;
        }
        var attacked = Stopwatch.GetTimestamp();
        var foreign = machine.ForeignPercent();
        await Task.Delay(Aftermath, cancellationToken);
        var settled = Stopwatch.GetTimestamp();
        var busy = await system.BusySessionsAsync(cancellationToken);
        await Task.Delay(options.Abuse, cancellationToken);
        var (end, after) = (Stopwatch.GetTimestamp(), ServerStats.Megabytes(system));
        await others.ArriveAsync(start, end, Arrival, cancellationToken);

        // The latency without abuse is measured before it and after its aftermath. One of the two alone has so few
        // events that a few slow commits would decide its p99.
        var events = others.Events;
        var (all, during) = (events.Between(start, end), events.Between(calm, attacked));
        var (without, then) = (events.Between(start, calm).With(events.Between(settled, end)).P99, during.P99);
        var ratio = then / without;
        if (abuse.IsControl)
            machineRatio.Measured = ratio;
        var allowed = abuse.HasControl ? machineRatio.Allowed : MaxRatio;
        var isWithin = double.IsFinite(ratio) && (abuse.IsControl || abuse.InDevelopment || ratio <= allowed);
        List<string> faults = [];
        if (abuse.InDevelopment)
        {
            var (answer, arrival) = (during.SlowestAnswer, during.Latencies.Max());
            isWithin &= answer <= MaxMilliseconds && arrival <= MaxMilliseconds;
            got += string.Create(
                CultureInfo.InvariantCulture,
                $"; slowest publish {answer:F0} ms, event {arrival:F0} ms"
            );
        }
        if (all.Lost > 0)
            faults.Add($"**{all.Lost} events of regular users lost**");
        if (events.Duplicates > 0)
            faults.Add($"**{events.Duplicates} events of regular users received twice**");
        if (all.Waiting > 0)
            faults.Add($"**{all.Waiting} publishes of regular users without an answer**");
        if (others.Ended is [var first, ..] ended)
            faults.Add($"**{ended.Count} regular clients ended: {first}**");
        if (busy > 0)
            faults.Add($"**Postgres busy in {busy} sessions**");
        var ok =
            isWithin
            && faults.Count == 0
            && all.Refused == 0
            && most < memory + MaxMoreMegabytes
            && after < memory + MaxLeftMegabytes
            // The load's own failures are bold: it was smaller than the row says.
            && !got.Contains("**", StringComparison.Ordinal);
        if (foreign > MaxForeignPercent)
            faults.Add($"**other programs took {foreign:F0} % of the processors: measure again**");
        if (!isSettled)
            faults.Add("**the system had not settled before the measurement**");
        return new Outcome(
            ok,
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {Name} | {without:F1} | {then:F1} | {(isWithin ? $"{ratio:F2}" : $"**{ratio:F2}**")} "
                    + $"| {ReliabilityReport.Bold(all.Refused)} | {memory:F0} → {most:F0} → {after:F0} "
                    + $"| {string.Join("; ", [got, .. faults])} |"
            )
        );
    }
}
