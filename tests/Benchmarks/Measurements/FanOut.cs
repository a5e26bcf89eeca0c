using System.Diagnostics;
using Benchmarks.Client;
using Benchmarks.Machine;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>So many subscribers of one topic, so many events of 120 bytes a second to all of them.</summary>
internal sealed class FanOut : Measurement
{
    private readonly int _subscribers,
        _rate;

    public FanOut(string name, int subscribers, int rate, Goal cpu)
        : base(name, $"{rate} events/s to {subscribers:N0} subscribers")
    {
        (_subscribers, _rate) = (subscribers, rate);
        Goals = new Dictionary<string, Goal>
        {
            [Figures.Cpu.Name] = cpu,
            [Figures.P99.Name] = Goal.AtMost(1.0, "Nchan"),
        };
    }

    public override Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken) =>
        run.InTurnAsync(
            this,
            peer =>
                MeasureAsync(this, run, peer, _subscribers, _rate, run.Seconds(5), connections: 4, cancellationToken)
        );

    /// <summary>
    /// Until the server's code has been compiled for good: .NET compiles what is used much a second and a third time,
    /// in the background, and for the first
    /// half minute that is most of what a replica does. Servers run for longer than that.
    /// </summary>
    public static async Task WarmUpAsync(BenchmarkRun run, Peer peer, CancellationToken cancellationToken)
    {
        const double Seconds = 3,
            Quiet = 0.05;
        for (var rounds = 0; rounds < (peer.Probe is null ? 1 : 10); rounds++)
        {
            var before = peer.Probe?.Compiled();
            await DeliverAsync(run, peer, 500, 100, Seconds, 4, cancellationToken);
            if (peer.Probe?.Compiled() - before < TimeSpan.FromSeconds(Quiet))
                return;
        }
    }

    /// <param name="rate">Events a second; 0: as fast as they are accepted, 300 of them.</param>
    /// <param name="servedAs">Under what name to record it; the server's where nothing is said.</param>
    /// <param name="kind">Who reads.</param>
    public static async Task MeasureAsync(
        Measurement measurement,
        BenchmarkRun run,
        Peer peer,
        int subscribers,
        double rate,
        double seconds,
        int connections,
        CancellationToken cancellationToken,
        string? servedAs = null,
        ReaderKind kind = ReaderKind.Raw
    )
    {
        var d = await DeliverAsync(run, peer, subscribers, rate, seconds, connections, cancellationToken, kind);
        if (peer == run.StreamApi && (d.Read.Lost > 0 || d.Read.Wrong > 0))
            run.Wrong.Add($"{measurement.Name}: {d.Read.Lost} lost, {d.Read.Wrong} doubled or out of order.");
        run.Record(
            measurement,
            servedAs ?? peer.Name,
            (Figures.Cpu, d.Cpu * 1e6 / d.Read.Events),
            (Figures.FrontCpu, d.FrontCpu * 1e6 / d.Read.Events),
            (Figures.P50, d.Read.P50Ms),
            (Figures.P99, d.Read.P99Ms),
            (Figures.Rate, d.Read.Events / d.Seconds),
            (Figures.Generator, d.Read.CpuSeconds * 1e6 / d.Read.Events),
            (Figures.Elsewhere, d.Elsewhere)
        );
    }

    /// <summary>Microseconds of the delivering process a delivery.</summary>
    public static async Task<double> FrontCpuAsync(
        BenchmarkRun run,
        Peer peer,
        int subscribers,
        double rate,
        double seconds,
        CancellationToken cancellationToken
    )
    {
        var d = await DeliverAsync(run, peer, subscribers, rate, seconds, 4, cancellationToken);
        return d.FrontCpu * 1e6 / d.Read.Events;
    }

    private sealed record Delivery(ReadResult Read, double Cpu, double FrontCpu, double Seconds, double Elsewhere);

    private static async Task<Delivery> DeliverAsync(
        BenchmarkRun run,
        Peer peer,
        int subscribers,
        double rate,
        double seconds,
        int connections,
        CancellationToken cancellationToken,
        ReaderKind kind = ReaderKind.Raw
    )
    {
        var topic = run.NewTopic();
        var events = rate > 0 ? (long)(rate * seconds) : 300;
        var (readers, _) = await Clients.OpenAsync(
            new ReadOrder([peer.Subscribe(topic)], subscribers, events, seconds + 30),
            cancellationToken,
            kind
        );
        await using var _ = readers;
        // what connecting leaves to be done, and the end of the readers before
        await Task.Delay(1_500, cancellationToken);
        var (cpu, front, busy, clock) = (
            ProcessFigures.Cpu(peer.Processes),
            ProcessFigures.Cpu(peer.Front),
            ProcessFigures.MachineBusy(),
            Stopwatch.StartNew()
        );
        var published = await Clients.PublishAsync(
            new PublishOrder(peer.Publish, peer.HasTopics ? topic : null, connections, rate, events, 1, seconds + 20),
            cancellationToken
        );
        var read = await readers.NextAsync<ReadResult>(cancellationToken);
        var elapsed = clock.Elapsed.TotalSeconds;
        (cpu, front, busy) = (
            ProcessFigures.Cpu(peer.Processes) - cpu,
            ProcessFigures.Cpu(peer.Front) - front,
            ProcessFigures.MachineBusy() - busy
        );
        return new Delivery(
            read,
            cpu,
            front,
            published.Seconds,
            Math.Max(0, (busy - cpu - read.CpuSeconds - published.CpuSeconds) / elapsed)
        );
    }
}
