using System.Diagnostics;
using Harness;

namespace Reliability.Abuse;

/// <summary>Runs one abuse and measures its effect on the regular users.</summary>
internal sealed class AbuseCheck(AbuseCase abuse) : ICheck
{
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Arrival = TimeSpan.FromSeconds(30);

    public string Name => abuse.Name;
    public SystemKind Needs => abuse.InDevelopment ? SystemKind.Plain : SystemKind.Guarded;

    public async Task<Outcome> RunAsync(
        ReliabilitySystem system,
        ReliabilityOptions options,
        CancellationToken cancellationToken
    )
    {
        var target = new AbuseTarget([.. system.Replicas.Select(r => r.Url)]);
        using var load = await LoadProcess.StartAsync(abuse, target, cancellationToken);
        await using var others = await Bystanders.StartAsync(target, cancellationToken);
        var measured = await MeasureAsync(system, load, others, options.Abuse, cancellationToken);

        if (measured.NeedsBurned && !abuse.InDevelopment)
            measured = measured with
            {
                Burned = await BurnAsync(measured.Load, target, others, options.Abuse, cancellationToken),
            };

        return AbuseRow.Of(abuse, measured);
    }

    private async Task<AbuseMeasurements> MeasureAsync(
        ReliabilitySystem system,
        LoadProcess load,
        Bystanders others,
        TimeSpan duration,
        CancellationToken cancellationToken
    )
    {
        var isSettled = await Settling.WaitAsync(system, others, cancellationToken);
        var start = Stopwatch.GetTimestamp();
        var memory = ServerStats.Megabytes(system);
        var machine = MachineLoad.Begin();
        var store = StoreLoad.Begin(system);
        await Task.Delay(duration, cancellationToken);
        var calm = Stopwatch.GetTimestamp();
        var storeBefore = store.Percent();

        var most = memory;
        var threads = 0;
        var idleThreads = load.Threads;
        var cpu = load.CpuSeconds;
        string responses;
        using (var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            over.CancelAfter(duration);
            var attack = load.RunAsync(over.Token);
            while (await Task.WhenAny(attack, Task.Delay(250, cancellationToken)) != attack)
            {
                most = Math.Max(most, ServerStats.Megabytes(system));
                threads = Math.Max(threads, load.Threads - idleThreads);
            }

            responses = await attack;
        }

        var attacked = Stopwatch.GetTimestamp();
        var processors = (load.CpuSeconds - cpu) / Stopwatch.GetElapsedTime(calm, attacked).TotalSeconds;
        var foreign = machine.ForeignPercent();
        await Task.Delay(Aftermath, cancellationToken);
        var settled = Stopwatch.GetTimestamp();
        var busy = await system.BusySessionsAsync(cancellationToken);
        store = StoreLoad.Begin(system);
        await Task.Delay(IdleTime, cancellationToken);

        var storeAfter = store.Percent();
        await Task.Delay(duration - IdleTime, cancellationToken);
        var end = Stopwatch.GetTimestamp();
        var after = ServerStats.Megabytes(system);
        await others.ArriveAsync(start, end, Arrival, cancellationToken);

        // The latency without abuse is measured before it and after its aftermath. One of the two alone has so few
        // events that a few slow commits would decide its p99.
        var events = others.Events;
        await WriteDetailsAsync(events, start, calm, attacked, end);
        return new AbuseMeasurements
        {
            Without = events.Between(start, calm).With(events.Between(settled, end)),
            During = events.Between(calm, attacked),
            All = events.Between(start, end),
            Duplicates = events.Duplicates,
            Ended = others.Ended,
            Memory = (memory, most, after),
            Store = (storeBefore, storeAfter),
            BusySessions = busy,
            ForeignPercent = foreign,
            IsSettled = isSettled,
            Responses = responses,
            Load = new BurnedTime(processors, Math.Max(1, threads)),
        };
    }

    /// <summary>Measures the regular users' events beside a program that uses as much processor time.</summary>
    private static async Task<EventWindow> BurnAsync(
        BurnedTime time,
        AbuseTarget target,
        Bystanders others,
        TimeSpan duration,
        CancellationToken cancellationToken
    )
    {
        using var load = await LoadProcess.StartAsync(time.AsCase(), target, cancellationToken);
        var start = Stopwatch.GetTimestamp();
        using (var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            over.CancelAfter(duration);
            await Console.Error.WriteLineAsync($"burned {await load.RunAsync(over.Token)} on {time.Threads} threads");
        }

        var end = Stopwatch.GetTimestamp();
        await others.ArriveAsync(start, end, Arrival, cancellationToken);
        return others.Events.Between(start, end);
    }

    /// <summary>Writes the regular users' latency in each second, to find the cause of a failure.</summary>
    private async Task WriteDetailsAsync(RegularEvents events, long start, long calm, long attacked, long end)
    {
        var lines = new List<string> { "second,abuse,median ms,p99 ms" };

        for (var from = start; from + Stopwatch.Frequency <= end; from += Stopwatch.Frequency)
        {
            var second = events.Between(from, from + Stopwatch.Frequency);
            var isAbused = from >= calm && from < attacked;
            lines.Add($"{lines.Count - 1},{(isAbused ? 1 : 0)},{second.Median:F1},{second.P99:F1}");
        }

        await File.WriteAllLinesAsync(RowDetails.PathOf(Name, "csv"), lines, CancellationToken.None);
    }
}
