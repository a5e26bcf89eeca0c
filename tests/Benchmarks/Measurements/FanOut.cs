using System.Diagnostics;
using Benchmarks.Client;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>Measures a number of subscribers of one topic that all receive events of 120 bytes at a rate.</summary>
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
            [Metrics.Cpu.Name] = cpu,
            [Metrics.P99.Name] = Goal.AtMost(1.0, "Nchan"),
        };
    }

    public override bool ComparesBuilds => true;

    public override Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken) =>
        run.InTurnAsync(
            this,
            peer =>
                MeasureAsync(this, run, peer, _subscribers, _rate, run.Seconds(5), connections: 4, cancellationToken),
            cancellationToken
        );

    /// <summary>Waits until the server's code has its final optimization. In the first half minute,
    /// recompiling hot code is most of a replica's work; servers run longer than that.</summary>
    public static Task WarmUpAsync(BenchmarkRun run, Peer peer, CancellationToken cancellationToken) =>
        WarmUpAsync(peer, () => DeliverAsync(run, peer, 500, 100, 3, 4, cancellationToken));

    /// <summary>Repeats a work of some seconds until the server compiles nothing meanwhile.</summary>
    public static async Task WarmUpAsync(Peer peer, Func<Task> work)
    {
        const double Quiet = 0.05;
        for (var rounds = 0; rounds < (peer.Probe is null ? 1 : 10); rounds++)
        {
            var before = peer.Probe?.Compiled();
            await work();
            if (peer.Probe?.Compiled() - before < TimeSpan.FromSeconds(Quiet))
                return;
        }
    }

    /// <param name="rate">Events a second. 0: 300 events, as fast as they are accepted.</param>
    /// <param name="servedAs">The server's name in the results; default: the peer's name.</param>
    /// <param name="kind">The reader's implementation.</param>
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
        if (!run.IsWhole(measurement, peer, d.Read))
            return;
        run.Record(
            measurement,
            servedAs ?? peer.Name,
            (Metrics.Cpu, d.Cpu * 1e6 / d.Read.Events),
            (Metrics.FrontCpu, d.FrontCpu * 1e6 / d.Read.Events),
            (Metrics.P50, d.Read.P50Ms),
            (Metrics.P99, d.Read.P99Ms),
            (Metrics.Rate, d.Read.Events / d.Seconds),
            (Metrics.Generator, d.Read.CpuSeconds * 1e6 / d.Read.Events),
            (Metrics.Elsewhere, d.Elsewhere)
        );
    }

    /// <summary>Returns the delivering process's CPU in microseconds for a delivery.</summary>
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
        // Lets the work after connecting and closing earlier readers finish.
        await Task.Delay(1_500, cancellationToken);
        var (cpu, front, busy, clock) = (
            ProcessStats.Cpu(peer.Processes),
            ProcessStats.Cpu(peer.Front),
            ProcessStats.MachineBusy(),
            Stopwatch.StartNew()
        );
        var published = await Clients.PublishAsync(
            new PublishOrder(peer.Publish, peer.HasTopics ? topic : null, connections, rate, events, 1, seconds + 20),
            cancellationToken
        );
        var read = await readers.NextAsync<ReadResult>(cancellationToken);
        var elapsed = clock.Elapsed.TotalSeconds;
        (cpu, front, busy) = (
            ProcessStats.Cpu(peer.Processes) - cpu,
            ProcessStats.Cpu(peer.Front) - front,
            ProcessStats.MachineBusy() - busy
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
